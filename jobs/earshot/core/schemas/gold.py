"""Gold: marts, findings, recommendations and alerts."""

from __future__ import annotations

from typing import Final

from earshot.core.schemas.spec import TableSpec, columns

_REACHED: Final = "struct<peak_rank:int,periods_on_chart:int,since:date>"

SPECS = (
    TableSpec(
        "gold.quality_kpis",
        "Figures of the gate by batch.",
        columns(
            """
            batch_id    | string    | batch, or the run where there is none
            measured_at | timestamp | when it was measured
            suite       | string    | expectation suite; drift.SOURCE for a day against the same weekday before
            kpi         | string    | accuracy, validation_success, error_rate, freshness_s, drift_rows, ...
            value       | double    | fraction or seconds
            target      | double    | what it should reach; null where there is no target
            met         | boolean   | whether it did
            listen_date | date      | the day that it speaks of; null for the whole batch
            """
        ),
        (),
        ("batch_id", "suite", "kpi"),
    ),
    TableSpec(
        "gold.charts",
        "Ranks by counted streams; `careers` is what an entity reached so far by day, week and month, and since when.",
        columns(
            f"""
            period        | string | day, week, month or all_time
            period_start  | date   | first day of the period
            country       | string | country or ALL
            tier          | string | tier or ALL
            entity        | string | track, artist or album
            entity_id     | string | id of the entity
            suspects      | string | included or excluded
            rank          | int    | by streams desc, listeners desc, entity_id asc
            streams       | bigint | counted streams
            listeners     | bigint | different listeners
            previous_rank | int    | rank in the period before; null for a new entry
            peak_rank     | int    | best rank up to this period; null of all_time
            previous_peak_rank | int | best rank of the periods before; null where it had none
            periods_on_chart | int | periods on the chart up to this one; null of all_time
            entry         | string | new or re_entry: on the chart, and not in the period before; else null
            careers       | struct<day:{_REACHED},week:{_REACHED},month:{_REACHED}> | of all_time, else null
            """
        ),
        ("period", "period_start"),
        ("period", "period_start", "country", "tier", "entity", "entity_id", "suspects"),
        bounded=(),
    ),
    TableSpec(
        "gold.activity",
        "Plays by hour, country, device and tier.",
        columns(
            """
            hour_start      | timestamp | UTC hour of started_at
            country         | string    | country
            device          | string    | device
            tier            | string    | tier
            listens         | bigint    | plays
            counted_listens | bigint    | counted streams
            listeners       | bigint    | different listeners
            played_ms       | bigint    | milliseconds heard
            skips           | bigint    | skipped plays
            start_failures  | bigint    | plays whose sound never came
            startup_ms_p95  | double    | 95th percentile of startup_ms
            rebuffer_ms     | bigint    | milliseconds stalled
            rebuffer_ratio  | double    | stalled / (stalled + heard)
            activity_date   | date      | UTC date of hour_start
            """
        ),
        ("activity_date",),
        ("hour_start", "country", "device", "tier"),
        bounded=("hour_start",),
    ),
    TableSpec(
        "gold.activity_cube",
        "Metrics by hour over combinations of dimensions: what the detectors read.",
        columns(
            """
            metric       | string    | a column of gold.activity or gold.audio_quality
            grain        | string    | hour or day
            dimensions   | map<string,string> | fixed dimensions; empty = total
            window_start | timestamp | start of the window
            value        | double    | the metric
            volume       | bigint    | plays behind it
            window_date  | date      | UTC date of window_start
            """
        ),
        ("window_date",),
        ("metric", "grain", "dimensions", "window_start"),
        bounded=("window_start",),
    ),
    TableSpec(
        "gold.behaviour",
        "How people listen, by day, country and tier.",
        columns(
            """
            day     | date   | UTC day
            country | string | country or ALL
            tier    | string | tier or ALL
            metric  | string | completion_rate, skip_rate, repeat_rate, discovery_rate, ...
            value   | double | the metric
            volume  | bigint | plays or listeners behind it
            slice   | string | of metrics that are split: context, track, or weekday and hour of the listener's clock
            """
        ),
        ("day",),
        ("day", "country", "tier", "metric", "slice"),
        bounded=(),
    ),
    TableSpec(
        "gold.audience",
        "Who is new and who comes back, by day; from which eras and genres they play and what moves, by week.",
        columns(
            """
            period       | string | day or week (of counted streams, suspects left out)
            period_start | date   | the UTC day, or the Monday of the ISO week
            country      | string | of the listeners' first sessions, or of the streams; or ALL
            metric       | string | new_listeners, returning_listeners, retention_day_1, ...; era_share, track_trend ...
            slice        | string | era, genre, track or artist; null by day
            value        | double | the metric; a trend is streams by expected streams
            volume       | bigint | listeners of the day or the cohort; streams that tell, or of the entity
            q_value      | double | false discovery rate at which a trend is one (Benjamini-Hochberg); null elsewhere
            """
        ),
        ("period",),
        ("period", "period_start", "country", "metric", "slice"),
    ),
    TableSpec(
        "gold.listener_segments",
        "Every listener by how lately, how often and how long they listen, as of the last day with sessions.",
        columns(
            """
            listener_id     | string | keyed pseudonym of the listener
            as_of           | date   | the last day with sessions
            country         | string | of their first session
            first_day       | date   | UTC day of their first session
            last_day        | date   | UTC day of their last session
            recency_days    | int    | days since then
            sessions        | bigint | sessions in the window (90 days)
            minutes         | double | minutes heard in the window
            recency_score   | int    | 1 to 5 by quantile; null without a session in the window
            frequency_score | int    | the same of sessions
            monetary_score  | int    | the same of minutes
            segment         | string | new, champions, loyal, promising, occasional, at_risk, hibernating or lapsed
            churn_risk      | double | probability of no session in the next days; null without a model, or inactive
            churn_model     | string | version of the model in the registry
            """
        ),
        (),
        ("listener_id",),
        ("listener_id",),
    ),
    TableSpec(
        "gold.audio_quality",
        "Playback quality by hour, with the names of CTA-2066.",
        columns(
            """
            hour_start         | timestamp | UTC hour of started_at
            country            | string | country
            device             | string | device
            cdn                | string | content delivery network
            app_version        | string | version of the app
            plays              | bigint | attempts
            start_failures     | bigint | attempts without sound
            exits_before_start | bigint | attempts given up before sound
            startup_ms_p50     | double | median of startup_ms
            startup_ms_p95     | double | 95th percentile
            startup_ms_p99     | double | 99th percentile
            rebuffer_ratio     | double | stalled / (stalled + heard)
            rebuffer_per_hour  | double | stalls per hour heard
            bitrate_kbps_mean  | double | mean bitrate, weighted by time heard
            quality_score      | double | 0 (unusable) to 100
            quality_date       | date   | UTC date of hour_start
            bitrate_switches_per_hour | double | changes of bitrate per hour heard, of plays that tell them
            played_ms          | bigint | milliseconds heard
            late_startup_ms    | bigint | milliseconds of startup beyond 2 s
            rebuffer_ms        | bigint | milliseconds stalled; null where no play tells
            rebuffer_count     | bigint | stalls; null where no play tells how long they were
            audio_bits         | bigint | bitrate_kbps x played_ms of plays that tell both
            bitrate_played_ms  | bigint | milliseconds heard of plays that tell a bitrate
            bitrate_switches   | bigint | changes of bitrate; null where no play tells
            switches_played_ms | bigint | milliseconds heard of plays that tell their changes of bitrate
            startup_ms_sketch  | map<int,bigint> | startup_ms: plays by bucket of core.log_histogram; sketches add up
            rebuffer_ms_sketch | map<int,bigint> | milliseconds stalled of each play, likewise
            bitrate_kbps_sketch | map<int,bigint> | bitrate_kbps of each play, likewise
            stall_leaving      | map<string,double> | sums from which roll-ups estimate whether stalls make people leave
            """
        ),
        ("quality_date",),
        ("hour_start", "country", "device", "cdn", "app_version"),
        bounded=("hour_start",),
    ),
    TableSpec(
        "gold.revenue",
        "Payouts by month, country, tier and model.",
        columns(
            """
            month      | date   | first day of the month
            country    | string | country
            tier       | string | tier
            currency   | string | ISO 4217
            model      | string | pro_rata, user_centric or artist_centric
            payee_type | string | artist, rights_holder, or suspense for what nobody may be paid
            payee_id   | string | who is paid; unknown where the play names nobody
            streams    | bigint | counted streams; with rights holders, those in which they have a share
            amount     | decimal(28,6) | payout, rounded to the currency's minor unit
            pool       | decimal(28,6) | what the payouts add up to
            suspects   | string | included or excluded
            status     | string | provisional, closed or adjustment
            reason     | string | why an adjustment was booked: late plays, verdicts, splits, erasure, erasure (kept)
            booked_on  | date   | logical date of the run that booked an adjustment
            """
        ),
        ("month",),
        (
            "month",
            "country",
            "tier",
            "currency",
            "model",
            "payee_type",
            "payee_id",
            "suspects",
            "status",
            "reason",
            "booked_on",
        ),
        bounded=(),
    ),
    TableSpec(
        "gold.optimisation",
        "What offers, prices and models of payout do: figures with 95 % intervals, and how each was come by.",
        columns(
            """
            topic      | string | offers or payouts
            subject    | string | experiment, or month YYYY-MM
            metric     | string | conversion_rate, effect, qini, policy_gain, elasticity, best_price, gini, ...
            dimensions | map<string,string> | what it speaks of: arm, group, policy, country, tier, currency, model
            value      | double | the figure; null where it is refused
            lower      | double | lower bound of the 95 % interval; null where there is none
            upper      | double | upper bound
            listeners  | bigint | listeners behind it
            design     | string | randomised (causal), association (not causal) or description
            method     | string | how figure and interval were come by, and what they assume
            reason     | string | why it is refused; null if it is not
            as_of      | date   | logical date of the run
            """
        ),
        (),
        ("topic", "subject", "metric", "dimensions"),
    ),
    TableSpec(
        "gold.offers",
        "Which offer to make to whom, by what an experiment taught.",
        columns(
            """
            experiment    | string | randomised experiment that taught it
            listener_id   | string | keyed pseudonym of the listener
            arm           | string | arm that brings most; control = make no offer
            offered_tier  | string | tier that it offers
            price         | decimal(28,6) | price a month that it asks
            currency      | string | ISO 4217
            uplift        | double | predicted change of the probability to convert, against control
            gain          | double | predicted gain a month over control, in the currency
            group         | int    | 1 (least responsive) to 5; null for control
            lower         | double | lower bound of the 95 % interval of the mean effect in that group
            upper         | double | upper bound
            model_version | string | version in the registry
            as_of         | date   | logical date of the run
            """
        ),
        (),
        ("experiment", "listener_id"),
        ("listener_id",),
    ),
    TableSpec(
        "gold.anomalies",
        "Every scored point; a detection has a severity.",
        columns(
            """
            metric        | string    | metric of the series
            grain         | string    | hour or day
            dimensions    | map<string,string> | fixed dimensions; empty = total
            window_start  | timestamp | start of the window
            observed      | double | what was seen
            expected      | double | what the detector expected
            lower         | double | lower bound
            upper         | double | upper bound
            score         | double | 0 to 1, higher is more abnormal
            severity      | string | info, warning, critical, or null
            contributors  | array<struct<name:string,value:string,share:double>> | slices that explain it
            explained     | double | part of the total's deviation that lies in this slice; null unless detected
            ruled_out     | array<string> | dimensions over whose values the deviation is spread as the plays are
            runners_up    | array<map<string,string>> | other slices that would explain it, the likelier first
            cause         | string | why it is put down to this slice, in one sentence; null unless detected
            detector      | string | name of the detector
            model_version | string | version in the registry
            scored_at     | timestamp | when it was scored
            window_date   | date   | UTC date of window_start
            state         | string | judged; no_data where plays were due and nothing at all came (observed 0 or null)
            """
        ),
        ("window_date",),
        ("metric", "grain", "dimensions", "window_start"),
    ),
    TableSpec(
        "gold.suspect_listens",
        "Streams that look manipulated, by listener, track and day.",
        columns(
            """
            listener_id | string | keyed pseudonym of the listener
            track_id    | string | track; null = all tracks of that listener and day
            listen_date | date   | UTC day
            signals     | array<struct<name:string,value:double,weight:double>> | what speaks for it
            score       | double | 0 to 1
            verdict     | string | suspect, confirmed or cleared
            streams     | bigint | plays concerned
            probability | double | calibrated by verdicts of people, 0 to 1; null before a model has learnt from them
            """
        ),
        ("listen_date",),
        ("listener_id", "track_id", "listen_date"),
        ("listener_id",),
    ),
    TableSpec(
        "gold.recommendations",
        "Tracks for a listener, none already played.",
        columns(
            """
            listener_id   | string    | keyed pseudonym of the listener
            rank          | int       | 1 is best
            track_id      | string    | track
            score         | double    | the algorithm's own score
            algorithm     | string    | algorithm
            model_version | string    | version in the registry
            generated_at  | timestamp | when it was written
            """
        ),
        (),
        ("listener_id", "rank"),
        ("listener_id",),
    ),
    TableSpec(
        "gold.alerts",
        "Alerts and their state.",
        columns(
            """
            fingerprint | string    | stable identity of the alert
            rule        | string    | rule in conf/alerts.toml
            severity    | string    | info, warning or critical
            state       | string    | pending, firing or resolved
            labels      | map<string,string> | what it is about
            summary     | string    | one sentence
            evidence    | string    | JSON: expected, observed, examples
            starts_at   | timestamp | when it began
            ends_at     | timestamp | when it ended; null while it lasts
            updated_at  | timestamp | last change, on the run's logical time
            """
        ),
        (),
        ("fingerprint", "starts_at"),
        ("labels", "summary", "evidence"),
    ),
)
