"""What an operator may choose for the portal. `configs/portal.toml` says it all in sentences."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from sinks.settings import PostSettings
from weinao.messages import Id

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[float, Meta(gt=0)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the settings file; keys that it does not know are refused."""


class WebSettings(Section, frozen=True, kw_only=True):
    """Where pages are served.

    Attributes:
        url: What people type; `https` makes cookies travel encrypted only.
        upload_bytes_max: Of one request, a photo included.
    """

    address: str = "127.0.0.1"
    port: Port = 8_480
    url: str = "http://127.0.0.1:8480"
    upload_bytes_max: Annotated[int, Meta(ge=65_536, le=50_000_000)] = 12_000_000


class SignInSettings(Section, frozen=True, kw_only=True):
    """How people prove who they are, and for how long that holds.

    Attributes:
        session_idle_h: A session unused for so long is over.
        session_days_max: So is one that is older.
        staff_session_h_max: The same for staff, operators and the street office.
        failures_max: Wrong answers for one account, or from one address times ten, within
            `failures_min`; then even the right one is refused until they have passed.
        invitation_days: How long an invitation can be used.
        link_h: How long a link in a notice answers its incident.
    """

    session_idle_h: Annotated[int, Meta(ge=1, le=2_160)] = 720
    session_days_max: Annotated[int, Meta(ge=1, le=365)] = 90
    staff_session_h_max: Annotated[int, Meta(ge=1, le=168)] = 14
    failures_max: Annotated[int, Meta(ge=3, le=100)] = 8
    failures_min: Annotated[int, Meta(ge=1, le=1_440)] = 15
    invitation_days: Annotated[int, Meta(ge=1, le=60)] = 7
    link_h: Annotated[int, Meta(ge=1, le=168)] = 24


class LimitSettings(Section, frozen=True, kw_only=True):
    """How much one address may ask of the portal.

    Attributes:
        requests_per_min: Pages and questions of one session or address.
        reports_per_h: Problems that one address may report.
        streams_max: Pages that may be open and live at once; the next ones ask to come again.
    """

    requests_per_min: Annotated[int, Meta(ge=10, le=100_000)] = 600
    reports_per_h: Annotated[int, Meta(ge=1, le=1_000)] = 10
    streams_max: Annotated[int, Meta(ge=10, le=10_000)] = 1_000


class WebhookSettings(Section, frozen=True, kw_only=True):
    """Whom the portal calls when an incident changes.

    Attributes:
        hosts: Names of hosts that may be called; none, and there are no webhooks.
        per_token_max: Webhooks of one token.
    """

    hosts: list[Annotated[str, Meta(min_length=1, max_length=253)]] = field(default_factory=list)
    per_token_max: Annotated[int, Meta(ge=1, le=100)] = 5


PUSH_HOSTS = (
    "fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
"""The services of Chrome and its kin, Firefox, Safari and Edge. Whoever is signed in names an
address to which we then send: it is one of these, or none."""


class PushSettings(Section, frozen=True, kw_only=True):
    """Where notices ring besides: in browsers in which people allowed it.

    Attributes:
        hosts: Services that may carry them, `*.` for any host below; none, and none is offered.
        per_account_max: Browsers of one account; one more, and the one unused for longest goes.
    """

    hosts: list[Annotated[str, Meta(min_length=1, max_length=253)]] = field(
        default_factory=lambda: [*PUSH_HOSTS]
    )
    per_account_max: Annotated[int, Meta(ge=1, le=32)] = 6


class MetricsSettings(Section, frozen=True, kw_only=True):
    """Where Prometheus finds the portal; a port of 0 takes any free one."""

    port: Port = 9_469
    address: str = "127.0.0.1"


class LogSettings(Section, frozen=True, kw_only=True):
    """How much is said, and in which form."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    json: bool = False


class PortalSettings(Section, frozen=True, kw_only=True):
    """Everything the portal is told.

    Attributes:
        name: Of the device that stands for the portal in every grid's registry.
        fresh_s_max: Without news from the store for so long, every page says so.
    """

    community: Id
    name: Id = "portal"
    fresh_s_max: Positive = 10.0
    web: WebSettings = WebSettings()
    broker: PostSettings = PostSettings()
    sign_in: SignInSettings = SignInSettings()
    limits: LimitSettings = LimitSettings()
    webhooks: WebhookSettings = WebhookSettings()
    push: PushSettings = PushSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
