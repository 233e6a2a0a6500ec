"""A finding: one window, measurement or condition that a rule objects to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from earshot.core.alerts import Evidence, Severity

_DIGITS = 16


def fingerprint_of(rule: str, identity: Mapping[str, str]) -> str:
    """The stable identity of an alert: 16 hex digits of SHA-256 over the rule and its identity labels.

    The order of the labels does not matter. For an anomaly the identity labels are metric, grain
    and dimensions; for the gate the batch.
    """
    canonical = json.dumps([rule, sorted(identity.items())], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGITS]


@dataclass(frozen=True)
class Finding:
    """What a source saw.

    Attributes:
        rule: Name of the rule that objects.
        fingerprint: Identity of the alert to which it belongs.
        labels: Labels of the alert.
        severity: How bad this window is.
        starts_at: Start of the window, or since when the condition holds.
        ends_at: End of the window; None while a condition holds.
        summary: One sentence.
        weight: Which finding of an episode speaks for it: the largest.
        hold: Silence after which the episode is over.
        needed: Windows that it takes to fire.
        windows: Windows that this finding stands for.
        opens: Whether it can begin an episode; one that cannot only keeps an episode alive (hysteresis).
        looked_until: Until when the source has judged the series; None: until now.
    """

    rule: str
    fingerprint: str
    labels: Mapping[str, str]
    severity: Severity
    starts_at: datetime
    ends_at: datetime | None
    summary: str
    evidence: Evidence = field(default_factory=Evidence)
    weight: float = 0.0
    hold: timedelta = timedelta(0)
    needed: int = 1
    windows: int = 1
    opens: bool = True
    looked_until: datetime | None = None
