"""Scenarios: what goes wrong in simulated logs. TOML in conf/scenarios/, or a file of the user's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from earshot.core.errors import SettingsError
from earshot.core.explanations import FileOrigin, explain, nearest
from earshot.core.locations import conf_folder
from earshot.core.section import AboveZero, Fraction, NotNegative, Positive, Section
from earshot.core.toml_files import read_toml
from earshot.importers.simulated.geography import CDNS, COUNTRY_CODES
from earshot.importers.simulated.population import APP_VERSIONS, DEVICES, PLATFORM_NAMES, TIERS

Rate = Annotated[float, Field(ge=0, le=0.2)]

DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "country": COUNTRY_CODES,
    "tier": TIERS,
    "device": DEVICES,
    "platform": PLATFORM_NAMES,
    "app_version": APP_VERSIONS,
    "cdn": CDNS,
}


class FaultRates(Section):
    """Share of the lines that have each fault. All but `small_clock_skew` are to be quarantined."""

    cut_line: Rate = 0.0
    garbage_bytes: Rate = 0.0
    not_an_object: Rate = 0.0
    missing_listener: Rate = 0.0
    null_listener: Rate = 0.0
    missing_time: Rate = 0.0
    unreadable_time: Rate = 0.0
    time_without_zone: Rate = 0.0
    missing_track: Rate = 0.0
    null_track: Rate = 0.0
    missing_played: Rate = 0.0
    wrong_type: Rate = 0.0
    too_long_text: Rate = 0.0
    too_deep: Rate = 0.0
    renamed_key: Rate = 0.0
    negative_played: Rate = 0.0
    played_beyond_duration: Rate = 0.0
    impossible_duration: Rate = 0.0
    ended_before_started: Rate = 0.0
    year_1970: Rate = 0.0
    year_2099: Rate = 0.0
    clock_days_ahead: Rate = 0.0
    unknown_country: Rate = 0.0
    unknown_tier: Rate = 0.0
    unknown_context: Rate = 0.0
    negative_startup: Rate = 0.0
    negative_rebuffer: Rate = 0.0
    impossible_bitrate: Rate = 0.0
    small_clock_skew: Rate = 0.0


FaultName = Literal[
    "cut_line",
    "garbage_bytes",
    "not_an_object",
    "missing_listener",
    "missing_time",
    "missing_track",
    "missing_played",
    "wrong_type",
    "renamed_key",
    "negative_played",
    "unknown_country",
    "unknown_tier",
]


class Duplicates(Section):
    """Share of the lines that come twice: in their file, in a later file, or again from another client."""

    within_file: Rate = 0.0
    across_files: Rate = 0.0
    near: Rate = 0.0


class Arrivals(Section):
    """How files arrive.

    Attributes:
        files_per_day: Each holds as many hours of starts.
        late_share: Plays that arrive 1 to `late_days` days after their day.
        copied_file_every_days: Every so many days a whole file arrives again under another name; 0 = never.
        gzip_every_days: Every so many days the first file is compressed; 0 = never.
    """

    files_per_day: Literal[1, 2, 3, 4, 6, 8, 12, 24] = 4
    late_share: Rate = 0.0
    late_days: Positive = 3
    copied_file_every_days: Annotated[int, Field(ge=0)] = 0
    copied_file_after_days: Positive = 2
    gzip_every_days: Annotated[int, Field(ge=0)] = 0


class Drift(Section):
    """From `day` on (negative: from the end) clients of one device send a key that was not there before."""

    day: int
    device: str = "desktop"
    key: str = Field(default="audio_codec", pattern="^[a-z][a-z0-9_]*$")

    @field_validator("device")
    @classmethod
    def _known(cls, value: str) -> str:
        return _one_of(value, DEVICES, "device")


class BrokenDay(Section):
    """A day (negative: from the end) of which a large share of the lines has one fault."""

    day: int = -1
    share: Fraction = 0.4
    fault: FaultName = "missing_track"


class Incident(Section):
    """Something that goes wrong in playback.

    Attributes:
        size: outage, tier_drop: share of the plays that are hit; cdn_stall: share of the plays that stall;
            slow_ramp: how much slower the start is at the end (1 = twice as slow).
        day: From 0; negative counts from the end (-1 is the last day). Left out if the span is too short for it.
        hour: UTC hour of its beginning.
        hours: How long it lasts.
    """

    kind: Literal["outage", "cdn_stall", "tier_drop", "slow_ramp"]
    size: AboveZero
    day: int
    hour: Annotated[int, Field(ge=0, le=23)]
    hours: Positive
    dimensions: dict[str, str]

    @field_validator("dimensions")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        for name, wanted in value.items():
            _one_of(wanted, DIMENSIONS[_one_of(name, DIMENSIONS, "dimension")], name)
        if not value:
            raise ValueError("at least one dimension, such as country")
        return value

    @model_validator(mode="after")
    def _share(self) -> Self:
        if self.kind != "slow_ramp" and self.size > 1:
            raise ValueError(f"a size of at most 1 for {self.kind}")
        return self


class Manipulation(Section):
    """Accounts that play for money, not for music.

    Attributes:
        accounts_per_thousand: Accounts for a thousand listeners; at least one of each kind, two in a ring.
        plays_per_day: Plays of each account on each of its days (hijacked: on the day of the burst).
        tracks: How many tracks they share.
        from_day: First day; negative counts from the end.
        to_day: Last day.
    """

    kind: Literal["bot_farm", "coordinated", "loop_31s", "round_the_clock", "hijacked"]
    accounts_per_thousand: AboveZero = 5.0
    plays_per_day: Annotated[int, Field(gt=0, le=2_500)] = 100
    tracks: Positive = 5
    from_day: int = 0
    to_day: int = -1


class LookAlike(Section):
    """Innocent listeners who look strange. `per_thousand` listeners; at least one."""

    kind: Literal["sleep_music", "super_fan", "family_account", "shop"]
    per_thousand: AboveZero = 5.0


class OfferTests(Section):
    """Two experiments with listeners who pay nothing: which tier to offer, and at what price. Who is in which is drawn.

    Attributes:
        day: Day on which arms are drawn; negative counts from the end. Left out if the span is too short for it.
        within_days: Who converts does so within so many days.
        reached: Part of those assigned to an offer who see it.
        share: Part of the listeners of the free tier who take part.
    """

    day: int = 6
    within_days: Positive = 7
    reached: Fraction = 0.8
    share: Fraction = 1.0


class Scenario(Section):
    """Everything that a scenario may say."""

    description: str = ""
    arrivals: Arrivals = Arrivals()
    duplicates: Duplicates = Duplicates()
    faults: FaultRates = FaultRates()
    drift: Drift | None = None
    broken_day: BrokenDay | None = None
    incidents: tuple[Incident, ...] = ()
    manipulation: tuple[Manipulation, ...] = ()
    lookalikes: tuple[LookAlike, ...] = ()
    offers: OfferTests | None = None
    noise: NotNegative = 0.015

    @model_validator(mode="after")
    def _not_too_much(self) -> Self:
        total = sum(self.faults.model_dump().values())
        if total > 0.5:  # noqa: PLR2004 (more faults than plays)
            raise ValueError(f"fault rates that sum to at most 0.5, not {total:g}")
        return self


def load_scenario(name: str) -> Scenario:
    """Read a scenario.

    Args:
        name: One of conf/scenarios/, or the path of a TOML file.

    Raises:
        SettingsError: There is no such scenario, the file cannot be read, a key is unknown or a value is wrong.
    """
    path = _path_of(name)
    values = read_toml(path)
    try:
        return Scenario.model_validate(values)
    except ValidationError as error:
        raise explain(error, Scenario, FileOrigin(path), "key of a scenario") from None


def scenario_names() -> list[str]:
    """The scenarios of conf/scenarios/."""
    return sorted(path.stem for path in (conf_folder() / "scenarios").glob("*.toml"))


def day_number(day: int, days: int) -> int:
    """A day counted from the first; negative numbers count from the end."""
    return day if day >= 0 else days + day


def _path_of(name: str) -> Path:
    if name.endswith(".toml") or "/" in name:
        if not Path(name).is_file():
            raise SettingsError(
                f"There is no scenario file {name}.", where="option --scenario", remedy="Name a TOML file that exists."
            )
        return Path(name)
    path = conf_folder() / "scenarios" / f"{name}.toml"
    if not path.is_file():
        known = scenario_names()
        raise SettingsError(
            f"There is no scenario {name}.",
            where="option --scenario",
            remedy=f"Use {nearest(name, known)} (there are {', '.join(known)}), or name a TOML file.",
        )
    return path


def _one_of(value: str, known: Iterable[str], what: str) -> str:
    options = list(known)
    if value not in options:
        raise ValueError(f"a {what} such as {nearest(value, options)} (there are {', '.join(options)})")
    return value
