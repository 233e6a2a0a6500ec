"""The formats that are known, each with its importer."""

from __future__ import annotations

from earshot.importers.canonical import Canonical
from earshot.importers.listenbrainz import ListenBrainzDump
from earshot.importers.radio import RadioLog
from earshot.importers.shape import Importer
from earshot.importers.spotify import SpotifyHistory

IMPORTERS: tuple[Importer, ...] = (Canonical(), SpotifyHistory(), ListenBrainzDump(), RadioLog())


def importer_named(name: str) -> Importer:
    """The importer of a format."""
    return next(importer for importer in IMPORTERS if importer.name == name)
