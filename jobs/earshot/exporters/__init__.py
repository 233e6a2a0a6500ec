"""Files and databases, each with a manifest."""
