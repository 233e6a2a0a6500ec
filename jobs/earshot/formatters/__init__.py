"""Alerts and reports as text, blocks, mail and HTML."""
