"""MusicDataProcessor: from plays to sessions, behaviour, playback quality and revenue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import DataFrame

from earshot.analytics.audio_quality import audio_quality
from earshot.analytics.behaviour import behaviour
from earshot.analytics.revenue.mart import revenue
from earshot.core.columns import LISTEN_DATE
from earshot.core.config import load_settings
from earshot.core.schemas import TABLES
from earshot.core.settings import Settings
from earshot.transformers.sessions import SessionRules, sessions


@dataclass(frozen=True)
class ProcessedMusic:
    """What was made of the plays: lazy DataFrames with the columns of the tables of the same name.

    Attributes:
        sessions: A row a session (silver.sessions).
        behaviour: How people listen, by day, country and tier (gold.behaviour).
        audio_quality: Playback quality by hour (gold.audio_quality).
        revenue: Payouts by month, to the cent (gold.revenue).
    """

    sessions: DataFrame
    behaviour: DataFrame
    audio_quality: DataFrame
    revenue: DataFrame

    def __iter__(self) -> Iterator[tuple[str, DataFrame]]:
        """Name and rows of each part."""
        return iter(vars(self).items())


class MusicDataProcessor:
    """Builds the marts from plays in memory, with the very functions that the jobs use.

    Args:
        settings: What is in force; loaded as the commands do, if not given.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or load_settings()

    def process(self, listens: DataFrame, *, suspects: DataFrame | None = None) -> ProcessedMusic:
        """Sessions, behaviour, audio quality and revenue of the plays.

        Args:
            listens: Rows of silver.listens, such as `EnterpriseDataValidator().validate` returns.
            suspects: Rows of gold.suspect_listens; none are known without it.
        """
        marts = self._settings.marts
        if suspects is None:
            suspects = listens.sparkSession.createDataFrame([], TABLES["gold.suspect_listens"].schema)
        days = [row[LISTEN_DATE] for row in listens.select(LISTEN_DATE).distinct().collect()]
        counted = marts.stream_rule
        return ProcessedMusic(
            sessions=sessions(listens, rules=SessionRules.of(marts)),
            behaviour=behaviour(
                listens,
                days=[day for day in days if day],
                stream_rule=counted,
                minimum_volume=marts.behaviour_minimum_volume,
            ).frame(),
            audio_quality=audio_quality(listens, session_gap_minutes=marts.session_gap_minutes).frame(),
            revenue=revenue(listens, suspects, None, terms=self._settings.revenue, stream_rule=counted),
        )
