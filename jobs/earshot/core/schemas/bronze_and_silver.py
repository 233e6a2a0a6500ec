"""Bronze and silver: plays, sessions, the catalogue, what was set aside."""

from __future__ import annotations

from earshot.core.schemas.spec import TableSpec, columns

LISTEN_COLUMNS = columns(
    """
    listen_id      | string    | deterministic identity of the play: the same play read twice has the same one
    listener_id    | string    | keyed pseudonym of the listener
    track_id       | string    | the catalogue's id, else ISRC, else MBID, else a hash of normalised artist and title
    track_title    | string    | title as the source gave it
    artist_id      | string    | the catalogue's id of the artist, or a hash of the normalised name
    artist_name    | string    | artist as the source gave it
    album_title    | string    | album as the source gave it
    isrc           | string    | ISRC of the recording
    recording_mbid | string    | MusicBrainz id of the recording
    started_at     | timestamp | start of the play, UTC
    ended_at       | timestamp | end of the play, UTC
    played_ms      | bigint    | milliseconds heard; null where the source submits only completed listens
    duration_ms    | bigint    | length of the track in milliseconds
    listen_date    | date      | UTC date of started_at
    country        | string    | ISO 3166-1 alpha-2
    time_zone      | string    | IANA zone of the listener
    device         | string    | device family
    platform       | string    | operating system or player
    app_version    | string    | version of the app
    tier           | string    | free, premium, family or student
    context        | string    | playlist, album, artist, radio, search, library or unknown
    reason_start   | string    | why the play began
    reason_end     | string    | why the play ended
    skipped        | boolean   | stopped by the listener before its end
    shuffle        | boolean   | shuffle was on
    offline        | boolean   | played from the device's store
    startup_ms     | bigint    | milliseconds from request to sound
    rebuffer_count | int       | stalls during the play
    rebuffer_ms    | bigint    | milliseconds spent stalled
    bitrate_kbps   | int       | mean bitrate in kbit/s
    start_failed   | boolean   | sound never came
    cdn            | string    | content delivery network
    source         | string    | format or service the play came from
    sources        | array<string> | every source that told of this play
    source_file    | string    | path below landing/, zip members as a.zip!member
    source_line    | bigint    | 1-based physical line, ordinal or row
    batch_id       | string    | batch that published the play
    ingested_at    | timestamp | when the batch was read
    extra          | map<string,string> | keys of the event that have no column
    device_token   | string    | keyed pseudonym of the device
    network_token  | string    | keyed pseudonym of the IP prefix
    derived_time   | string    | which of started_at and ended_at was computed: started_at, ended_at or none
    arrived_at     | timestamp | when the file arrived in landing
    bitrate_switches | int     | changes of bitrate during the play
    """
)

_SILVER_ONLY = columns(
    """
    tellings       | array<struct<started_at:timestamp,client:bigint>> | what else told of the play; client: a hash
    """
)

_BRONZE_ONLY = columns(
    """
    failed_rules   | array<string> | rules that the line failed, of every action
    quarantine_rules | array<string> | the failed rules that send the line aside
    filtered_reason | string   | why the line is left out on purpose; null if it is not
    raw            | string    | the line as it came, masked; null for lines without a failed rule
    cause          | string    | field, value (cut) and what the parser found wrong with it
    """
)

SPECS = (
    TableSpec(
        "bronze.listens",
        "The parsed plays of a batch, from ingest until it is published, or as long as it is refused.",
        LISTEN_COLUMNS + _BRONZE_ONLY,
        ("batch_id",),
        ("batch_id", "source_file", "source_line"),
        ("listener_id", "raw", "device_token", "network_token"),
    ),
    TableSpec(
        "silver.listens",
        "Every accepted play once.",
        LISTEN_COLUMNS + _SILVER_ONLY,
        ("listen_date",),
        ("listen_id",),
        ("listener_id", "device_token", "network_token"),
        bounded=("started_at", "ended_at", "ingested_at", "arrived_at"),
    ),
    TableSpec(
        "silver.quarantine",
        "Lines that were set aside, with the rules they failed.",
        columns(
            """
            batch_id       | string        | batch of the line
            source_file    | string        | path below landing/
            source_line    | bigint        | line in it
            raw            | string        | payload, masked; a line that cannot be parsed is encrypted
            failed_rules   | array<string> | rules that failed
            quarantined_at | timestamp     | when it was set aside
            replayed_at    | timestamp     | when it was replayed; null if it was not
            listener_id    | string        | keyed pseudonym, where the line had a listener
            cause          | string        | field, value (cut) and what the parser found wrong with it
            """
        ),
        (),
        ("batch_id", "source_file", "source_line"),
        ("raw", "listener_id"),
    ),
    TableSpec(
        "silver.tracks",
        "The catalogue.",
        columns(
            """
            track_id       | string | the catalogue's id
            track_title    | string | title
            artist_id      | string | the catalogue's id of the artist
            artist_name    | string | artist
            album_title    | string | album
            isrc           | string | ISRC
            recording_mbid | string | MusicBrainz id
            duration_ms    | bigint | length in milliseconds
            released_on    | date   | date of release
            genres         | array<string> | genres
            source         | string | where the entry came from
            updated_at     | timestamp | when it was written
            """
        ),
        (),
        ("track_id",),
    ),
    TableSpec(
        "silver.rights",
        "Who has a share in a track; of a track that is not here everything is the artist's.",
        columns(
            """
            track_id           | string | track
            rights_holder_id   | string | who is paid
            rights_holder_name | string | their name
            share              | decimal(7,6) | part of what the track earns; what is left of 1 is unknown's
            source_file        | string | file below HOME/catalogue/rights
            source_line        | bigint | line in it
            updated_at         | timestamp | when it was written
            """
        ),
        (),
        ("track_id", "rights_holder_id"),
    ),
    TableSpec(
        "silver.offers",
        "Which listener was offered what in which experiment, and whether they took it.",
        columns(
            """
            experiment   | string    | name of the experiment
            listener_id  | string    | keyed pseudonym of the listener
            arm          | string    | arm to which they were assigned; the others are compared with control
            assigned_at  | timestamp | when they were assigned, UTC
            probability  | double    | planned probability of the arm; null where nobody drew lots
            country      | string    | ISO 3166-1 alpha-2 at assignment
            tier         | string    | tier at assignment
            offered_tier | string    | tier that the arm offers
            price        | decimal(28,6) | price a month that the arm asks; null = the price list
            currency     | string    | ISO 4217
            received     | boolean   | whether the offer was seen; null where nobody looked
            converted_at | timestamp | when they took an offer, this or another; null if they did not
            source_file  | string    | file below HOME/catalogue/offers
            source_line  | bigint    | line in it
            updated_at   | timestamp | when it was written
            """
        ),
        (),
        ("experiment", "listener_id"),
        ("listener_id",),
    ),
    TableSpec(
        "silver.sessions",
        "Listening sessions: plays of a listener with pauses of at most 30 minutes.",
        columns(
            """
            session_id       | string    | hash of listener and start
            listener_id      | string    | keyed pseudonym of the listener
            started_at       | timestamp | start of the first play
            ended_at         | timestamp | latest end of a play
            listens          | bigint    | plays
            counted_listens  | bigint    | counted streams
            skips            | bigint    | skipped plays
            played_ms        | bigint    | milliseconds heard
            distinct_tracks  | bigint    | different tracks
            distinct_artists | bigint    | different artists
            device           | string    | device of the first play
            country          | string    | country of the first play
            session_date     | date      | UTC date of started_at
            inferred_skips   | bigint    | plays that look skipped where the source does not say; not among skips
            chosen_listens   | bigint    | plays that the listener chose, by their reason_start
            autoplayed_listens | bigint  | plays that began by themselves, by their reason_start
            time_zone        | string    | known zone of the first play that names one
            local_start_date | date      | date of started_at in time_zone; in UTC where there is none
            local_end_date   | date      | date of ended_at in time_zone; in UTC where there is none
            """
        ),
        ("session_date",),
        ("session_id",),
        ("listener_id",),
    ),
)
