"""Plays to clean plays, sessions, interactions and features."""
