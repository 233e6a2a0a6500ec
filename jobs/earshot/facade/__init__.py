"""The four names of the user's document."""
