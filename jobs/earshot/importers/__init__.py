"""Log formats, detection, landing manifest and simulated logs."""
