"""Prometheus metrics of runs, tables and KPIs."""
