"""Profiles: what a table holds, what would be expected of it, and which of its cells do not fit."""
