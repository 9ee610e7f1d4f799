"""What an operator may choose for the courier. `configs/notify.toml` says it all in sentences."""

from typing import Annotated

from msgspec import Meta, field

from sinks.settings import LogSettings, Port, PostSettings, Section
from weinao.messages import Id

Seconds = Annotated[float, Meta(gt=0, le=3_600)]
ChannelName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$(?!\n)")]


class ChannelSettings(Section, frozen=True, kw_only=True):
    """One way to people: a provider, and how it is spoken to.

    Attributes:
        url: As Apprise writes it; `{to}` stands for the address in the registry, `{secret}` for
            the secret, both quoted.
        secret_file: A file that holds the secret and nothing else,
        secret_env: or the environment's variable that does; empty for none.
    """

    url: Annotated[str, Meta(min_length=3, max_length=2_000)]
    secret_file: str = ""
    secret_env: str = ""


class DeliverySettings(Section, frozen=True, kw_only=True):
    """How patient the courier is.

    Attributes:
        try_s_max: How long a provider may take; then the next channel is tried.
        notice_s_max: For all channels of one notice together: the ladder's own deadline, a minute
            for danger to life, must come later.
        at_once_max: Notices that are delivered at the same time; the gravest go first.
        per_channel_max: Of those on one channel, so that a slow provider holds up no other.
        late_s_max: What is older is not told any more, danger to life apart,
        late_critical_s_max: which is told until it is so old.
        link_h: How long a link in a notice answers its incident.
    """

    try_s_max: Seconds = 8.0
    notice_s_max: Seconds = 30.0
    at_once_max: Annotated[int, Meta(ge=1, le=256)] = 16
    per_channel_max: Annotated[int, Meta(ge=1, le=256)] = 8
    late_s_max: Annotated[int, Meta(ge=60, le=604_800)] = 3_600
    late_critical_s_max: Annotated[int, Meta(ge=60, le=604_800)] = 86_400
    link_h: Annotated[int, Meta(ge=1, le=168)] = 24


class PushCourierSettings(Section, frozen=True, kw_only=True):
    """How browsers' own services are spoken to, where people allowed notices at the portal.

    Attributes:
        contact: Whom such a service may write to about us; empty for `url`, where it is `https`.
    """

    contact: Annotated[str, Meta(pattern=r"^(mailto:[^@\s]+@[\w-]+(\.[\w-]+)+)?$(?!\n)")] = ""


class CourierMetricsSettings(Section, frozen=True, kw_only=True):
    """Where Prometheus finds the courier; a port of 0 takes any free one."""

    port: Port = 9_470
    address: str = "127.0.0.1"


class CourierSettings(Section, frozen=True, kw_only=True):
    """Everything the courier is told.

    Attributes:
        name: Of the device that stands for it in every grid's registry, and of its cursor.
        url: What people type to reach the portal; begins the links in notices.
        channels: By the name that stands before the colon in the registry, as `sms` in
            `sms:13900000001`.
    """

    community: Id
    name: Id = "courier"
    url: str = "http://127.0.0.1:8480"
    wait_s: Annotated[float, Meta(gt=0, le=5)] = 0.2
    delivery: DeliverySettings = DeliverySettings()
    channels: dict[ChannelName, ChannelSettings] = field(default_factory=dict)
    push: PushCourierSettings = PushCourierSettings()
    broker: PostSettings = PostSettings()
    metrics: CourierMetricsSettings = CourierMetricsSettings()
    log: LogSettings = LogSettings()
