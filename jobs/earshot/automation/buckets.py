"""The bucket that an address on the command line means."""

from __future__ import annotations

import os

from pydantic import ValidationError

from earshot.core.errors import ArgumentError
from earshot.core.settings import Settings
from earshot.core.source_settings import SourceSettings
from earshot.integrations.export_bucket import ExportBucket
from earshot.integrations.object_store import open_bucket


def bucket_of(settings: Settings, address: str, endpoint_url: str | None, place: str) -> ExportBucket:
    """The prefix that `s3://BUCKET/PREFIX` names.

    A source of the settings in the same bucket lends its endpoint, region and profile; else boto3's own environment
    holds (AWS_ENDPOINT_URL, AWS_PROFILE, ...).

    Args:
        settings: What is in force.
        address: As a person wrote it.
        endpoint_url: Server that is not Amazon's; wins.
        place: The option, for an error.

    Raises:
        ArgumentError: It is no such address.
        DependencyError: The profile is none.
    """
    endpoint = endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    try:
        meant = SourceSettings(url=address, endpoint_url=endpoint)
        if meant.kind != "s3":
            raise ValueError(address)
    except ValueError as error:
        about_endpoint = isinstance(error, ValidationError) and "endpoint_url" in error.errors()[0]["loc"]
        raise ArgumentError(
            f"{endpoint if about_endpoint else address} is no address of a {'server' if about_endpoint else 'bucket'}.",
            where="option --endpoint-url" if about_endpoint else place,
            remedy="Write http://HOST:PORT." if about_endpoint else "Write s3://BUCKET/PREFIX, or a folder.",
        ) from None
    known = next((s for s in settings.sources.values() if s.kind == "s3" and s.bucket == meant.bucket), None)
    if known is not None:
        lent = {"region": known.region, "profile": known.profile, "endpoint_url": endpoint or known.endpoint_url}
        meant = meant.model_copy(update=lent)
    return ExportBucket(open_bucket(meant, settings.http))
