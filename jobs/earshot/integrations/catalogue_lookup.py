"""Asks web catalogues for tracks, one after the other, within a time; a catalogue that fails is left alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime

from pydantic import SecretStr

from earshot.core.errors import SettingsError
from earshot.core.logs import StructuredLog
from earshot.core.settings import HttpSettings, Settings
from earshot.core.small_tables import SmallTables
from earshot.integrations.catalogue_entries import CatalogueClient, FoundTrack, WantedTrack
from earshot.integrations.http import HttpClient, HttpError
from earshot.integrations.lastfm import LastfmClient
from earshot.integrations.musicbrainz import MusicBrainzClient
from earshot.integrations.spotify import SpotifyClient
from earshot.security.rate_limit import TokenBucket

LOOKUPS = "ops.catalogue_lookups"
_FAILURES_IN_A_ROW = 3
_LONGEST_PAUSE_S = 5.0
_MUSICBRAINZ_RATE = 1.0


@dataclass
class Lookups:
    """What was asked.

    Attributes:
        found: Rows of silver.tracks without `updated_at`.
        asked: Rows of ops.catalogue_lookups without `asked_at`.
        unasked: Tracks for which no time was left.
        failures: Calls that failed, by catalogue.
        errors: The last error of each catalogue, address masked.
    """

    found: list[dict[str, object]] = field(default_factory=list)
    asked: list[dict[str, object]] = field(default_factory=list)
    unasked: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    errors: dict[str, str] = field(default_factory=dict)

    def remember(self, tables: SmallTables, now: datetime) -> None:
        """Keep what was asked and answered, so that it is not asked again soon."""
        tables.append(LOOKUPS, [{**row, "asked_at": now} for row in self.asked])


class CatalogueLookup:
    """The catalogues of the settings, in their order.

    Args:
        clients: The catalogues.
        seconds: Time for all of it.
        log: Told of every call that failed.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        clients: Sequence[CatalogueClient],
        *,
        seconds: float,
        log: StructuredLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clients = clients
        self._seconds = seconds
        self._log = log
        self._clock = clock
        self._in_a_row: Counter[str] = Counter()

    def look_up(self, wanted: Sequence[WantedTrack]) -> Lookups:
        """Ask for every track until one catalogue knows it, or the time is over. Never raises for a catalogue.

        A catalogue that failed three times in a row is asked nothing more; what it was not asked is
        asked at the next run.
        """
        lookups = Lookups()
        deadline = self._clock() + self._seconds
        for client in self._clients:
            with self._counted(client, lookups):
                client.prepare(list(wanted))
        for number, track in enumerate(wanted):
            if self._clock() >= deadline or not any(self._works(client) for client in self._clients):
                lookups.unasked = len(wanted) - number
                break
            found = self._find(track, lookups)
            if found:
                lookups.found.append(_row(track, found))
        return lookups

    def _find(self, track: WantedTrack, lookups: Lookups) -> FoundTrack | None:
        for client in self._clients:
            if not self._works(client):
                continue
            with self._counted(client, lookups):
                found = client.find(track)
                lookups.asked.append({"track_id": track.track_id, "source": client.name, "found": found is not None})
                if found:
                    return found
        return None

    @contextmanager
    def _counted(self, client: CatalogueClient, lookups: Lookups) -> Iterator[None]:
        """Count what the catalogue does not answer, and go on."""
        try:
            yield
        except HttpError as error:
            lookups.failures[client.name] += 1
            lookups.errors[client.name] = error.what
            self._in_a_row[client.name] += 1
            self._log.warning("catalogue failed", source=client.name, error=error.what, where=error.where)
        else:
            self._in_a_row[client.name] = 0

    def _works(self, client: CatalogueClient) -> bool:
        return self._in_a_row[client.name] < _FAILURES_IN_A_ROW


@contextmanager
def open_lookup(settings: Settings, log: StructuredLog) -> Iterator[CatalogueLookup]:
    """The catalogues of the settings while the block runs.

    Raises:
        SettingsError: A catalogue is named and its key is missing.
    """
    catalogue = settings.catalogue
    opened: list[HttpClient] = []

    def http(rate: float) -> HttpClient:
        bucket = TokenBucket(min(rate, settings.http.rate_per_s), 1 if rate <= 1 else settings.http.burst)
        quick = HttpSettings(**{**settings.http.model_dump(), "attempts": min(settings.http.attempts, 3)})
        opened.append(
            HttpClient(quick, bucket=bucket, user_agent=catalogue.user_agent, longest_pause_s=_LONGEST_PAUSE_S)
        )
        return opened[-1]

    try:
        clients: list[CatalogueClient] = []
        for source in catalogue.sources:
            if source == "spotify":
                secret = _secret(catalogue.spotify_client_secret, "catalogue.spotify_client_secret")
                identity = _given(catalogue.spotify_client_id, "catalogue.spotify_client_id")
                api, accounts = catalogue.spotify_api, catalogue.spotify_accounts
                clients.append(
                    SpotifyClient(
                        http(settings.http.rate_per_s),
                        api=api,
                        accounts=accounts,
                        client_id=identity,
                        client_secret=secret,
                    )
                )
            elif source == "lastfm":
                key = _secret(catalogue.lastfm_key, "catalogue.lastfm_key")
                clients.append(LastfmClient(http(settings.http.rate_per_s), api=catalogue.lastfm_api, key=key))
            else:
                clients.append(MusicBrainzClient(http(_MUSICBRAINZ_RATE), api=catalogue.musicbrainz_api))
        yield CatalogueLookup(clients, seconds=catalogue.seconds_per_run, log=log)
    finally:
        for client in opened:
            client.close()


def _row(wanted: WantedTrack, found: FoundTrack) -> dict[str, object]:
    row = asdict(found)
    return {
        **{key: row[key] for key in ("artist_name", "album_title", "duration_ms", "released_on", "source")},
        "track_id": wanted.track_id,
        "track_title": found.title,
        "artist_id": wanted.artist_id or found.artist_id,
        "isrc": wanted.isrc or found.isrc,
        "recording_mbid": wanted.recording_mbid or found.recording_mbid,
        "genres": list(found.genres),
    }


def _secret(value: SecretStr | None, key: str) -> str:
    return _given(value.get_secret_value() if value else "", key)


def _given(value: str, key: str) -> str:
    if not value:
        raise SettingsError(
            f"{key} is missing, and catalogue.sources names its catalogue.",
            where=f"key {key}",
            remedy=f"Set EARSHOT_{key.upper().replace('.', '__')}, or take the catalogue out of catalogue.sources.",
        )
    return value
