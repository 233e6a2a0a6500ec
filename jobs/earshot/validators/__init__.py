"""Expectation suites as row predicates, observed aggregates and verdicts."""
