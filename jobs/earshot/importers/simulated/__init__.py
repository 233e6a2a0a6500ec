"""Simulated listening logs with their truth: seeded, vectorised, the same to the byte every time.

`generate` is the way in; scenarios are TOML in `conf/scenarios/`.
"""

from earshot.importers.simulated.simulation import Generated, generate

__all__ = ["Generated", "generate"]
