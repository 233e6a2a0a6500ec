"""The formats that are known, each with its importer."""

from __future__ import annotations

from collections.abc import Sequence

from earshot.core.errors import SettingsError
from earshot.importers.canonical import Canonical
from earshot.importers.canonical_tables import CanonicalCsv, CanonicalParquet
from earshot.importers.cmcd import Cmcd
from earshot.importers.eventsim import EventsimLog
from earshot.importers.lastfm import LastfmExport
from earshot.importers.lastfm_1k import Lastfm1K, Lastfm1KProfiles
from earshot.importers.listenbrainz import ListenBrainzLines, ListenBrainzPayload
from earshot.importers.listenbrainz_parquet import ListenBrainzDump
from earshot.importers.mapped import mapped_importers
from earshot.importers.mappings import FOLDER
from earshot.importers.radio import RadioLog
from earshot.importers.scrobbler_log import ScrobblerLog
from earshot.importers.shape import Importer
from earshot.importers.spotify import SpotifyHistory

IMPORTERS: tuple[Importer, ...] = (
    Canonical(),
    CanonicalCsv(),
    CanonicalParquet(),
    SpotifyHistory(),
    ListenBrainzLines(),
    ListenBrainzPayload(),
    ListenBrainzDump(),
    LastfmExport(),
    Lastfm1K(),
    Lastfm1KProfiles(),
    EventsimLog(),
    ScrobblerLog(),
    RadioLog(),
    Cmcd(),
)


def known_importers() -> Sequence[Importer]:
    """Importers of the mappings in conf/mappings, which come first, and those that are built in.

    Raises:
        SettingsError: A mapping cannot be used, or bears the name of a format that is built in.
    """
    mapped = mapped_importers()
    if taken := sorted({one.name for one in mapped} & {one.name for one in IMPORTERS}):
        raise SettingsError(
            f"{taken[0]} is a format that is built in.",
            where=f"{FOLDER}/{taken[0]}.toml",
            remedy="Give the mapping another name.",
        )
    return (*mapped, *IMPORTERS)


def importer_named(name: str, importers: Sequence[Importer] | None = None) -> Importer | None:
    """The importer of a format; None where there is none (any more)."""
    return next((one for one in importers or known_importers() if one.name == name), None)
