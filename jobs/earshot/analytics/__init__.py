"""The marts: one module a mart."""
