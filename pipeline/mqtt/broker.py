"""Where a broker is."""

from typing import Annotated

from msgspec import Meta, Struct


class Broker(Struct, frozen=True, kw_only=True):
    """Where the broker is, and how to live with its outages.

    Args:
        session_expiry_s: How long the broker keeps what we have not acknowledged.
        receive_max: Messages it may send us unacknowledged.
        reconnect_s_max: Longest wait between attempts.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 1884
    keep_alive_s: Annotated[int, Meta(ge=5, le=3_600)] = 30
    session_expiry_s: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 86_400
    receive_max: Annotated[int, Meta(ge=1, le=65_535)] = 65_535
    reconnect_s_max: Annotated[float, Meta(ge=0.1)] = 5.0
