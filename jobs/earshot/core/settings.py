"""The settings, one frozen model a section: names, types, bounds and meanings.

Defaults stand in `conf/base.toml`; the models say only what may stand there.
"""

from __future__ import annotations

from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr

from earshot.core.action_settings import ActionSettings
from earshot.core.alerts import Channel
from earshot.core.cube_combinations import DEEP, SHALLOW, Combination
from earshot.core.explanations import nearest
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.section import AboveZero, Fraction, NotNegative, Port, Positive, Seconds, Section, ServerPort, Whole
from earshot.core.source_settings import SourceName, SourceSettings
from earshot.core.stream_rule import StreamRule

Network = Annotated[str, AfterValidator(lambda text: str(ip_network(text, strict=False)))]
AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"a time zone, the nearest is {nearest(name, sorted(available_timezones()))}")
    return name


Zone = Annotated[str, AfterValidator(_zone)]


class SparkSettings(Section):
    """How a local session is built; a cluster's own settings win."""

    master: str = "local[2]"
    driver_memory: str = "3g"
    shuffle_partitions: Positive = 4
    conf: dict[str, str] = Field(default={})


class IngestSettings(Section):
    """What a batch may hold and how long its files are kept."""

    max_files_per_batch: Positive = 20_000
    archive_days: Positive = 90
    near_duplicate_seconds: NotNegative = 5.0
    station_time_zone: str = "UTC"
    export_listener: str = "me"
    export_time_zone: str = "UTC"


class LimitsSettings(Section):
    """Sizes, nesting and counts of input; what is larger is quarantined, not read."""

    max_line_bytes: Positive = 1_048_576
    max_text_chars: Positive = 2_000
    max_nesting: Positive = 8
    max_extra_keys: Positive = 64
    max_archive_members: Positive = 10_000
    max_file_bytes: Positive = 64 * 1024**3
    max_expansion: Positive = 200


class QualitySettings(Section):
    """Targets of the gate's KPIs (fractions, seconds), what counts as the future, what follows a verdict, twins.

    Attributes:
        actions: What Great Expectations does once a batch is judged.
        act_within_hours: For so long after the verdict a failing action is tried again.
        twins: A folder of dirty and clean twins.
    """

    target_accuracy: Fraction = 0.999
    target_validation_success: Fraction = 0.995
    target_error_rate: Fraction = 0.001
    target_freshness_s: Seconds = 300.0
    future_tolerance_s: NotNegative = 3600.0
    examples: Positive = 5
    data_docs_batches: Positive = 50
    actions: tuple[ActionSettings, ...] = ()
    act_within_hours: Positive = 72
    twins: str = ""


class MartSettings(Section):
    """Rules of counting for the marts."""

    counted_stream_ms: Positive = 30_000
    counted_stream_share: Fraction = 0.0
    counted_track_ms: Whole = 0
    session_gap_minutes: Positive = 30
    skip_share: Fraction = 0.9
    skip_next_s: NotNegative = 10.0
    skip_reasons: tuple[str, ...] = ("fwdbtn", "backbtn")
    chosen_reasons: tuple[str, ...] = ("clickrow", "playbtn", "backbtn", "uriopen", "search")
    autoplay_reasons: tuple[str, ...] = ("trackdone", "autoplay")
    chart_places: Whole = 0
    chart_listener_cap: Whole = 0
    cube_minimum_volume: Positive = 20
    cube_hourly_minimum_volume: Positive = 100
    cube_deep_minimum_volume: Positive = 500
    cube_combinations: tuple[Combination, ...] = SHALLOW
    cube_deep_combinations: tuple[Combination, ...] = DEEP
    behaviour_minimum_volume: Positive = 20
    trend_minimum_streams: Positive = 20
    segment_days: Positive = 90
    remembered_from: Positive = 1_000_000

    @property
    def stream_rule(self) -> StreamRule:
        """When a play is a counted stream."""
        return StreamRule(self.counted_stream_ms, self.counted_stream_share, self.counted_track_ms)


class ManipulationSettings(Section):
    """Plain rules of stream manipulation (streams a day, hours, fractions)."""

    minimum_streams: Positive = 12
    suspect_score: Fraction = 0.6
    round_the_clock_hours: Positive = 20
    loop_ms_low: Positive = 30_000
    loop_ms_high: Positive = 36_000
    minimum_verdicts: Positive = 40
    sure_probability: Fraction = 0.95


class AnomalySettings(Section):
    """What the detectors see and when they speak.

    Attributes:
        threshold: Score of six standard deviations; a champion has the one that its backtest chose.
        minimum_history_days: Days that a series by day must have behind it; hours are judged earlier.
        detectors: Those that are tried; the best on made-up incidents challenges the champion.
        public_holidays: Whether the national holidays of a country may look like a weekend.
        days_off: Further such days, by country; "*" for all.
        zones: Clock of a country, where it is not that of most of its people.
    """

    minimum_history_hours: Positive = 72
    minimum_history_days: Positive = 14
    history_days: Positive = 35
    threshold: Fraction = 0.424
    minimum_volume: Positive = 30
    max_series: Positive = 5_000
    backtest_incidents: Positive = 84
    seed: int = 7
    detectors: Annotated[tuple[Literal["seasonal", "holt-winters"], ...], Field(min_length=1)] = (
        "seasonal",
        "holt-winters",
    )
    public_holidays: bool = True
    days_off: dict[str, tuple[date, ...]] = Field(default={})
    zones: dict[str, Zone] = Field(default={})


class RecommenderSettings(Section):
    """Split, sizes and search space of the recommenders."""

    holdout_days: Positive = 2
    minimum_listeners: Positive = 20
    minimum_interactions: Positive = 500
    at: Positive = 10
    recommendations: Positive = 20
    active_days: Positive = 28
    confidence: Fraction = 0.95
    resamples: Positive = 1_000
    factors: tuple[Positive, ...] = (32, 64)
    alpha: tuple[AboveZero, ...] = (0.5, 3.0)
    regularisation: tuple[NotNegative, ...] = (10.0,)
    iterations: Positive = 10
    neighbours: tuple[Positive, ...] = (50, 200)
    shrinkage: NotNegative = 20.0
    penalty: tuple[AboveZero, ...] = (50.0, 300.0)
    skip_cost: NotNegative = 0.0
    ease_max_tracks: Positive = 5_000
    threads: Positive = 1
    seed: int = 7


class ChurnSettings(Section):
    """Who has left (days without a session), from how many days it is foreseen, and when the model is trained again."""

    horizon_days: Positive = 14
    history_days: Positive = 28
    retrain_days: Positive = 7
    minimum_listeners: Positive = 200
    confidence: Fraction = 0.95
    strength: AboveZero = 1.0


class OptimisationSettings(Section):
    """What counts as an answer to an offer, and how much an experiment must hold.

    Attributes:
        within_days: A listener converted who took an offer within so many days; who was assigned later waits.
        history_days: Days before the assignment from which covariates come.
        minimum_outcomes: An arm must have so many who converted, and so many who did not.
        mismatch_p: An experiment is refused whose shares or covariates are so unlikely under its plan.
        groups: Groups of listeners by predicted effect.
        folds: Parts that are left out in turn.
        payout_groups: Groups of listeners that are left out in turn for the intervals of payouts.
        personal_prices: Whether listeners of a country may be asked different prices for the same tier. Consumers in
            the European Union must then be told (Directive 2011/83/EU, article 6 (1) ea); by default nobody is.
    """

    within_days: Positive = 7
    history_days: Positive = 28
    minimum_outcomes: Positive = 25
    mismatch_p: Fraction = 0.001
    groups: Annotated[int, Field(ge=2, le=10)] = 5
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    payout_groups: Annotated[int, Field(ge=10, le=200)] = 50
    personal_prices: bool = False
    seed: int = 7


class AlertSettings(Section):
    """Where the rules stand, the channels with their addresses, and how deliveries are retried."""

    rules_file: str = "alerts.toml"
    deliver_within_hours: Positive = 24
    max_attempts: Positive = 48
    keep_trying_hours: NotNegative = 72.0
    backoff_s: Seconds = 30.0
    backoff_max_s: Seconds = 3600.0
    lookback_days: Positive = 35
    channel_failures: Positive = 3
    report_url: str = ""
    runbook_root: str = ""
    channels: tuple[Channel, ...] = ("console", "file")
    allow_networks: tuple[Network, ...] = ()
    webhook_url: SecretStr | None = None
    webhook_secret: SecretStr | None = None
    slack_url: SecretStr | None = None
    teams_url: SecretStr | None = None
    pagerduty_key: SecretStr | None = None
    pagerduty_url: str = "https://events.pagerduty.com/v2/enqueue"
    alertmanager_url: SecretStr | None = None
    alertmanager_hours: Positive = 48
    heartbeat_url: SecretStr | None = None
    email_from: str = "earshot@localhost"
    email_to: tuple[str, ...] = ()


class SmtpSettings(Section):
    """The mail server; an empty host means none."""

    host: str = ""
    port: ServerPort = 25
    starttls: bool = False
    user: str = ""
    password: SecretStr | None = None
    timeout_s: Seconds = 10.0


class HttpSettings(Section):
    """Outgoing calls: patience, tries and the token bucket (calls a second, burst)."""

    timeout_s: Seconds = 10.0
    attempts: Positive = 4
    rate_per_s: AboveZero = 5.0
    burst: Positive = 5


class CacheSettings(Section):
    """Redis by address; without one the cache lives in the process."""

    redis_url: SecretStr | None = None
    ttl_s: Positive = 172_800
    serialization: Literal["msgpack", "json"] = "msgpack"
    compression: bool = True
    namespace: str = Field(default="earshot", pattern="^[A-Za-z0-9_.-]+$")
    chart_entries: Positive = 100


class MetricsSettings(Section):
    """Where Prometheus finds the metrics: a port, a push gateway, a text file."""

    port: Port = 0
    push_url: str = ""
    textfile: str = ""


class MlflowSettings(Section):
    """Tracking and registry; empty means SQLite in HOME."""

    tracking_uri: str = ""
    experiment: str = "earshot"


class CatalogueSettings(Section):
    """Web catalogues to ask for tracks; each with its address, so that a mirror can stand in."""

    sources: tuple[Literal["spotify", "lastfm", "musicbrainz"], ...] = ()
    spotify_api: str = "https://api.spotify.com/v1"
    spotify_accounts: str = "https://accounts.spotify.com/api/token"
    spotify_client_id: str = ""
    spotify_client_secret: SecretStr | None = None
    lastfm_api: str = "https://ws.audioscrobbler.com/2.0/"
    lastfm_key: SecretStr | None = None
    musicbrainz_api: str = "https://musicbrainz.org/ws/2"
    user_agent: str = "earshot/0.1 (https://example.org/earshot)"
    lookups_per_run: Positive = 200
    seconds_per_run: Seconds = 60.0
    ask_again_days: Positive = 30


class PrivacySettings(Section):
    """Keys: where they lie, and which version is in use."""

    key_version: Positive = 1
    pseudonym_key_file: str = ""
    master_key_file: str = ""


class MaintenanceSettings(Section):
    """How long old versions of the tables are kept, when one is compacted, and how long a run waits for another."""

    vacuum_hours: NotNegative = 168.0
    commits_between: Positive = 20
    turn_wait_s: NotNegative = 3600.0


class Settings(Section):
    """Everything that can be set; see `earshot doctor` for what is in force."""

    home: AbsolutePath = Path(".earshot").absolute()
    env: str = "development"
    lake: str = ""
    production: bool = False
    spark: SparkSettings = SparkSettings()
    sources: dict[SourceName, SourceSettings] = Field(default={})
    ingest: IngestSettings = IngestSettings()
    limits: LimitsSettings = LimitsSettings()
    quality: QualitySettings = QualitySettings()
    marts: MartSettings = MartSettings()
    revenue: RevenueSettings = RevenueSettings()
    manipulation: ManipulationSettings = ManipulationSettings()
    anomalies: AnomalySettings = AnomalySettings()
    recommender: RecommenderSettings = RecommenderSettings()
    churn: ChurnSettings = ChurnSettings()
    optimisation: OptimisationSettings = OptimisationSettings()
    alerts: AlertSettings = AlertSettings()
    smtp: SmtpSettings = SmtpSettings()
    http: HttpSettings = HttpSettings()
    cache: CacheSettings = CacheSettings()
    metrics: MetricsSettings = MetricsSettings()
    mlflow: MlflowSettings = MlflowSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    privacy: PrivacySettings = PrivacySettings()
    maintenance: MaintenanceSettings = MaintenanceSettings()

    @property
    def lake_root(self) -> str:
        """The root of the tables: the lake's own address, or HOME/lake."""
        return self.lake or str(self.home / "lake")

    @property
    def landing(self) -> Path:
        """Where files arrive."""
        return self.home / "landing"

    @property
    def archive(self) -> Path:
        """Where published files are kept, by content hash."""
        return self.home / "archive"

    @property
    def keys(self) -> Path:
        """Where keys that were made here lie."""
        return self.home / "keys"

    @property
    def tracking_uri(self) -> str:
        """MLflow's address: the configured one, or SQLite in HOME."""
        return self.mlflow.tracking_uri or f"sqlite:///{(self.home / 'mlflow.db').resolve()}"
