"""Ops: the ledger, runs, outbox, feedback, audit and vault."""

from __future__ import annotations

from earshot.core.schemas.spec import TableSpec, columns

SPECS = (
    TableSpec(
        "ops.ledger",
        "One row a file: where every line of it went.",
        columns(
            """
            batch_id       | string    | batch
            source_file    | string    | path below landing/
            content_sha256 | string    | hash of the file's bytes
            format         | string    | detected format
            status         | string    | committed, refused or set_aside
            reason         | string    | why, where it is not committed
            read           | bigint    | lines
            accepted       | bigint    | lines in silver
            duplicate      | bigint    | lines that silver had
            quarantined    | bigint    | lines set aside
            filtered       | bigint    | lines left out on purpose
            erased         | bigint    | accepted lines erased since
            started_at     | timestamp | when the batch began
            committed_at   | timestamp | when it was published
            """
        ),
        (),
        ("source_file", "content_sha256"),
    ),
    TableSpec(
        "ops.sources",
        "What the sources of the settings brought into landing/, and what kept them from it.",
        columns(
            """
            source      | string    | name in the settings
            status      | string    | brought, refused (an object), failed (the source), reached (again), dropped
            item        | string    | key of the object below the prefix, or the range of keys of the rows
            fingerprint | string    | ETag of the object, or SHA-256 of the file of rows
            bytes       | bigint    | size
            landed_as   | string    | path below landing/
            reason      | string    | why it was refused or failed
            watermark   | string    | JSON of the key up to which rows were read
            at          | timestamp | when
            """
        ),
        (),
        ("source", "item", "fingerprint"),
        ("item", "landed_as", "reason", "watermark"),
    ),
    TableSpec(
        "ops.runs",
        "One row a run of a job.",
        columns(
            """
            run_id     | string    | run
            job        | string    | job
            run_date   | date      | logical date
            status     | string    | done, failed, skipped or refused
            started_at | timestamp | start
            ended_at   | timestamp | end
            rows_in    | bigint    | rows read
            rows_out   | bigint    | rows written
            error      | string    | the error, or why it was skipped
            """
        ),
        (),
        ("run_id", "job"),
        ("error",),
    ),
    TableSpec(
        "ops.alert_outbox",
        "Messages that were, or are to be, delivered.",
        columns(
            """
            delivery_id     | string    | idempotency key
            fingerprint     | string    | alert
            channel         | string    | console, file, webhook, slack, teams, email, pagerduty or alertmanager
            payload         | string    | JSON of the message
            state           | string    | waiting, sent or given_up
            attempts        | int       | tries so far
            next_attempt_at | timestamp | not before, wall time
            sent_at         | timestamp | when it was delivered
            members         | array<string> | fingerprint|start|state|severity of every alert in the message
            queued_at       | timestamp | when it was queued, wall time
            last_error      | string    | why the last try failed, addresses masked
            group_key       | string    | route and labels of the group of alerts that it is about
            logical_at      | timestamp | logical time of the run that queued it
            attempted_at    | timestamp | last try, wall time
            """
        ),
        (),
        ("delivery_id",),
        ("payload", "last_error", "group_key"),
    ),
    TableSpec(
        "ops.day_profiles",
        "What each batch brought of each day and source, counted while it was written; drift is measured by it.",
        columns(
            """
            batch_id    | string    | batch
            source      | string    | format or service
            listen_date | date      | UTC date of the plays
            profile     | string    | JSON: rows, rows by hour, nulls, shares of categories, values in buckets
            measured_at | timestamp | when it was written
            """
        ),
        (),
        ("batch_id", "source", "listen_date"),
        ("profile",),
    ),
    TableSpec(
        "ops.source_columns",
        "Columns that the files of each source were seen to have.",
        columns(
            """
            source     | string    | format or service
            column     | string    | column of silver.listens, or extra.KEY
            files_with | bigint    | files of at least 100 lines that had it
            of_files   | bigint    | such files of the source that were published
            is_new     | boolean   | it came after the source was known
            first_day  | date      | newest day of the plays of the batch in which it was first seen
            first_seen_at | timestamp | when that batch was published
            first_batch | string   | that batch
            last_batch | string    | the batch that was counted last
            """
        ),
        (),
        ("source", "column"),
    ),
    TableSpec(
        "ops.catalogue_lookups",
        "Web catalogues that were asked for a track, so that they are not asked again every day.",
        columns(
            """
            track_id | string    | the track
            source   | string    | spotify, lastfm or musicbrainz
            found    | boolean   | whether it knew the track
            asked_at | timestamp | when
            """
        ),
    ),
    TableSpec(
        "ops.closed_months",
        "Months whose payouts are frozen, and the terms on which they were computed.",
        columns(
            """
            month     | date      | first day of the month
            closed_on | date      | logical date of the run that closed it
            closed_at | timestamp | when
            run_id    | string    | run
            terms     | string    | JSON of the settings' section revenue
            """
        ),
        (),
        ("month",),
    ),
    TableSpec(
        "ops.silences",
        "Alerts that match are recorded, and nobody is told.",
        columns(
            """
            silence_id | string    | identity
            matchers   | string    | JSON list of label matchers; all must hold
            author     | string    | who
            reason     | string    | why
            starts_at  | timestamp | from
            ends_at    | timestamp | until
            """
        ),
        (),
        ("silence_id",),
        ("matchers", "reason"),
    ),
    TableSpec(
        "ops.feedback",
        "What people said of alerts and suspects.",
        columns(
            """
            subject_kind | string    | alert, suspect or incident
            subject      | string    | fingerprint, listener or JSON
            verdict      | string    | confirmed, dismissed or cleared
            author       | string    | who
            reason       | string    | why
            at           | timestamp | when
            """
        ),
        identity=("subject", "reason"),
    ),
    TableSpec(
        "ops.audit",
        "A hash chain over runs, erasures, replays, releases and promotions.",
        columns(
            """
            sequence      | bigint    | 1, 2, 3, ...
            at            | timestamp | when
            actor         | string    | who
            action        | string    | what
            subject       | string    | on what
            detail        | string    | JSON
            previous_hash | string    | hash of the entry before
            hash          | string    | SHA-256 over this entry and previous_hash
            """
        ),
        (),
        ("sequence",),
        ("subject", "detail"),
    ),
    TableSpec(
        "ops.vault",
        "Identities behind the pseudonyms, encrypted; one data key a listener, wrapped by the master key.",
        columns(
            """
            listener_id | string    | keyed pseudonym
            key_version | int       | version of the pseudonym key
            wrapped_key | binary    | the listener's data key under the master key
            identity    | binary    | the source's identity under the data key (AES-256-GCM)
            created_at  | timestamp | first seen
            """
        ),
        (),
        ("listener_id",),
        ("listener_id", "wrapped_key", "identity"),
    ),
    TableSpec(
        "ops.tombstones",
        "Listeners that were erased: what comes again of theirs is filtered.",
        columns(
            """
            listener_id | string    | HMAC of the pseudonym (security.tombstones), never the pseudonym
            erased_at   | timestamp | when
            run_id      | string    | run that erased
            """
        ),
        (),
        ("listener_id",),
        ("listener_id",),
    ),
)
