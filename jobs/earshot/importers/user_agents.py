"""The kind of device that a user agent names; nothing else of it is kept."""

from __future__ import annotations

_AGENTS = (("iphone", "ios"), ("ipad", "ios"), ("android", "android"), ("mozilla", "web"))


def device_of(agent: object) -> str | None:
    """ios, android, web, or None where the agent does not say."""
    lowered = agent.lower() if isinstance(agent, str) else ""
    return next((device for sign, device in _AGENTS if sign in lowered), None)
