"""Expectation suites as row predicates, observed aggregates and verdicts."""

import os

# Read by Great Expectations when it is imported, so it must stand before that: no telemetry.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
