"""What an operator may choose for the programs of this room.

`configs/store.toml` and `configs/announce.toml` say it all in sentences.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from weinao.messages import Id

Port = Annotated[int, Meta(ge=0, le=65_535)]
Days = Annotated[int, Meta(ge=0, le=36_500)]
Positive = Annotated[float, Meta(gt=0)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a settings file; keys that it does not know are refused."""


class StoreMetricsSettings(Section, frozen=True, kw_only=True):
    """Where Prometheus finds the owner of the store; a port of 0 takes any free one."""

    port: Port = 9_466
    address: str = "127.0.0.1"


class AnnounceMetricsSettings(Section, frozen=True, kw_only=True):
    """Where Prometheus finds the notifier; a port of 0 takes any free one."""

    port: Port = 9_468
    address: str = "127.0.0.1"


class LogSettings(Section, frozen=True, kw_only=True):
    """How much is said, and in which form."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    json: bool = False


class KeepSettings(Section, frozen=True, kw_only=True):
    """How many days things are kept in PostgreSQL; 0 for good.

    Attributes:
        observations_days: Readings as they came, and what else was observed.
        hazards_days: What was found dangerous; incidents themselves are kept for good.
        deadletters_days: What was set aside; the journal has it, too.
        minutes_days: Roll-ups by minute, or as long as observations where those are kept longer;
            roll-ups by hour and day are kept for good.
        compress_after_days: When observations are compressed, with TimescaleDB's full licence.
    """

    observations_days: Days = 400
    hazards_days: Days = 0
    deadletters_days: Days = 90
    minutes_days: Days = 800
    compress_after_days: Days = 7

    @property
    def rolled_up_days(self) -> int:
        """Days for which minutes are kept: a late reading makes its hour anew, from its minutes."""
        kept_for_good = 0 in (self.observations_days, self.minutes_days)
        return 0 if kept_for_good else max(self.observations_days, self.minutes_days)

    def by_table(self) -> dict[str, int]:
        """Return the days for which each table is kept."""
        return {
            "observations": self.observations_days,
            "hazards": self.hazards_days,
            "deadletters": self.deadletters_days,
            "readings_1min": self.rolled_up_days,
        }


class DatabaseSettings(Section, frozen=True, kw_only=True):
    """A PostgreSQL server in the place of the embedded file, best with TimescaleDB.

    Attributes:
        dsn: Where, as libpq understands it, without a password; empty for the embedded file.
        password_file: A file that holds the password and nothing else; empty for none.
        answer_s_max: How long it may take over one statement, before it counts as away.
        tend_s: Seconds between two looks at what is stale or old.
        patience_s: How long it may take over a batch before that waits on our disk.
        waiting_bytes_max: How much may wait there; then the flow waits.
    """

    dsn: str = ""
    password_file: str = ""
    answer_s_max: Annotated[float, Meta(ge=1, le=25)] = 20.0
    tend_s: Annotated[float, Meta(ge=1, le=3_600)] = 5.0
    patience_s: Annotated[float, Meta(ge=0.05, le=20)] = 1.0
    waiting_bytes_max: Annotated[int, Meta(ge=1_000_000)] = 4 * 1024**3
    keep: KeepSettings = KeepSettings()


class StoreSettings(Section, frozen=True, kw_only=True):
    """Everything the owner of a store is told.

    Attributes:
        listen: A further address beside the socket in the data folder; empty for none.
        memory_bytes_max: What DuckDB may use beside its results.
        threads: Of DuckDB, for one statement.
    """

    listen: str = ""
    memory_bytes_max: Annotated[int, Meta(ge=64 * 1024**2)] = 512 * 1024**2
    threads: Annotated[int, Meta(ge=1, le=64)] = 1
    database: DatabaseSettings = DatabaseSettings()
    metrics: StoreMetricsSettings = StoreMetricsSettings()
    log: LogSettings = LogSettings()


class TlsSettings(Section, frozen=True, kw_only=True):
    """Files in PEM form; without a certificate the notifier does not name itself to the broker."""

    ca: Annotated[str, Meta(min_length=1)]
    certificate: str = ""
    key: str = ""


class BrokerSettings(Section, frozen=True, kw_only=True):
    """Where the broker listens for MQTT 5, and how patient we are with it.

    Attributes:
        in_flight_max: Messages that await their PUBACK; the next ones wait.
        puback_s_max: A broker that acknowledges nothing for so long counts as away.
        reconnect_s_min: First pause before connecting again; it doubles, jittered.
        reconnect_s_max: The longest.
        message_bytes_max: Longer messages are cut, or set aside where that does not help.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 1_884
    keep_alive_s: Annotated[int, Meta(ge=5, le=3_600)] = 30
    in_flight_max: Annotated[int, Meta(ge=1, le=1_000)] = 20
    puback_s_max: Positive = 10.0
    reconnect_s_min: Positive = 0.2
    reconnect_s_max: Positive = 15.0
    message_bytes_max: Annotated[int, Meta(ge=1_024)] = 262_144
    tls: TlsSettings | None = None


class PostSettings(Section, frozen=True, kw_only=True):
    """Where what people say goes.

    Attributes:
        resend_s: What the journal has not got is sent again after so long.
        ca: The authority of the broker's certificate, a PEM file; empty for no TLS.
        certificate: The program's own certificate, a PEM file; empty for none.
        key: Of that certificate.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 1_884
    keep_alive_s: Annotated[int, Meta(ge=5, le=3_600)] = 30
    resend_s: Positive = 3.0
    ca: str = ""
    certificate: str = ""
    key: str = ""


class AnnounceSettings(Section, frozen=True, kw_only=True):
    """Everything the notifier is told.

    Attributes:
        name: Of the cursor in the store; two notifiers with different names publish all twice.
        batch_max: Outcomes published before the cursor moves on; a crash repeats so many.
        wait_s: How long one question to the store may wait for news.
    """

    community: Id
    name: Id = "notify"
    batch_max: Annotated[int, Meta(ge=1, le=1_000)] = 200
    wait_s: Annotated[float, Meta(gt=0, le=5)] = 0.1
    broker: BrokerSettings = BrokerSettings()
    metrics: AnnounceMetricsSettings = AnnounceMetricsSettings()
    log: LogSettings = LogSettings()
