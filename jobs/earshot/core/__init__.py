"""Columns, schemas, tables, settings, errors and the Job."""
