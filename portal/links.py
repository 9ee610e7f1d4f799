"""Links in notices: each lets one person answer one incident, once, until it expires.

A link is signed, so that nothing in it can be changed, and used up by the answer, not by the look:
programs that preview links must not answer in somebody's name.
"""

import secrets

from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Struct

from sinks.book import Book

_PURPOSE = "weinao.answer.v1"
_NONCE_BYTES = 12


class Link(Struct, frozen=True, kw_only=True):
    """What a link lets somebody do."""

    incident: str
    actor: str
    expires_at: int
    nonce: str


class LinkRefusedError(Exception):
    """A link that opens nothing; `key` is a key of the catalogue that says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Maker:
    """Makes links.

    Args:
        secret: The portal's own; whoever has it can make links.
    """

    def __init__(self, secret: str) -> None:
        self._signer = URLSafeSerializer(secret, salt=_PURPOSE)

    def make(self, incident: str, actor: str, expires_at: int, nonce: str = "") -> str:
        """Return the text of a new link.

        Args:
            incident: Which it answers,
            actor: and in whose name.
            expires_at: When it stops.
            nonce: Tells it from others; one notice carries one link, on whatever channel.
        """
        nonce = nonce or secrets.token_urlsafe(_NONCE_BYTES)
        text: str = self._signer.dumps([incident, actor, expires_at, nonce])
        return text


class Links(Maker):
    """Makes links and takes them back.

    Args:
        secret: The portal's own.
        book: Where used ones are noted.
    """

    def __init__(self, secret: str, book: Book) -> None:
        super().__init__(secret)
        self._book = book

    def read(self, text: str, now: int) -> Link:
        """Return what a link is for.

        Raises:
            LinkRefusedError: It was altered, is too old, or was used.
        """
        try:
            incident, actor, expires_at, nonce = self._signer.loads(text)
        except (BadSignature, ValueError, TypeError) as error:
            raise LinkRefusedError("link_altered") from error
        if now >= expires_at:
            raise LinkRefusedError("link_expired")
        if self._book.ask("SELECT 1 FROM links_used WHERE nonce = ?", nonce):
            raise LinkRefusedError("link_used")
        return Link(incident=incident, actor=actor, expires_at=expires_at, nonce=nonce)

    def use(self, link: Link, now: int) -> None:
        """Use a link up.

        Raises:
            LinkRefusedError: Somebody was faster.
        """
        taken = self._book.do("INSERT OR IGNORE INTO links_used VALUES (?, ?)", link.nonce, now)
        if not taken:
            raise LinkRefusedError("link_used")
