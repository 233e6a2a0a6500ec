"""Published results in Redis or in the process."""
