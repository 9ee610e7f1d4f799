"""From a channel in the registry to a provider: `sms:13900000001`, and what settings say of `sms`.

The registry holds whom, the settings hold through whom, and files or the environment hold secrets.
What is made here is used to ring and for nothing else: it has no text for a log.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from sinks.notice_settings import ChannelSettings

PUSH = "push"
"""The channel that needs no provider of ours: a person's own browsers (`sinks/push.py`)."""


class ChannelError(Exception):
    """A channel of the settings that cannot be used; the message says why, without its secret."""


class Way:
    """A way to one person, ready to ring.

    Attributes:
        channel: Its name, which may be told.
    """

    __slots__ = ("_url", "channel")

    def __init__(self, channel: str, url: str) -> None:
        self.channel, self._url = channel, url

    def reveal(self) -> str:
        """Return the URL with its address and secret, for who rings."""
        return self._url

    def __repr__(self) -> str:
        return f"Way({self.channel!r})"


class Channels:
    """The channels of a deployment.

    Args:
        settings: Of each, by name.
        environment: Where secrets may stand.

    Raises:
        ChannelError: A secret is missing, or a name is taken.
    """

    def __init__(
        self, settings: Mapping[str, ChannelSettings], environment: Mapping[str, str] = os.environ
    ) -> None:
        if PUSH in settings:
            raise ChannelError(f"channels.{PUSH} is the portal's own: call yours something else")
        self._urls = {
            name: one.url.replace("{secret}", quote(_secret(name, one, environment), safe=""))
            for name, one in settings.items()
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all channels."""
        return tuple(self._urls)

    def way(self, channel: str) -> Way | None:
        """Return the way that a channel in the registry stands for; None where nothing is known.

        Args:
            channel: `name:address`, or a name alone where the provider needs no address.
        """
        name, _, address = channel.partition(":")
        url = self._urls.get(name)
        if url is None or ("{to}" in url and not address):
            return None
        return Way(name, url.replace("{to}", quote(address, safe="")))


def _secret(name: str, one: ChannelSettings, environment: Mapping[str, str]) -> str:
    if one.secret_file:
        try:
            return Path(one.secret_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise ChannelError(f"channels.{name}.secret_file cannot be read") from error
    if one.secret_env:
        if not (found := environment.get(one.secret_env, "")):
            raise ChannelError(f"channels.{name}.secret_env: {one.secret_env} is not set")
        return found
    if "{secret}" in one.url:
        raise ChannelError(f"channels.{name}.url wants a secret: name its file or variable")
    return ""
