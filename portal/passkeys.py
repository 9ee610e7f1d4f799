"""Passkeys: a device signs a challenge of ours once its owner unlocked it; no password travels.

    ask ─► challenge, for one browser, five minutes ─► signed on the device ─► used up, verified
                                                                          └► session | refused

The device verifies its owner (finger, face, PIN), so a passkey is both factors at once: something
she has, and something she is or knows. It signs for our address alone, so that no page which only
looks like ours gets anything that is worth something here.

References:
    W3C Web Authentication, Level 3: 7.1 (registration), 7.2 (authentication), 6.1.1 (the counter).
"""

import hmac
import ipaddress
import secrets
from hashlib import sha256
from urllib.parse import urlsplit

import msgspec
import webauthn
from msgspec import Struct
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from portal.accounts import Account, Accounts, SignInError
from portal.secret import hashed
from sinks.book import Book

CHALLENGE_BYTES = 32
CHALLENGE_S = 300
"""How long somebody may take: the upper end of what W3C WebAuthn, 15.1, recommends for a time-out
where a person is verified."""

FRESH_S = 900
"""How lately somebody must have signed in to add a passkey: a page left open on a desk makes none.
Ours."""

PER_ACCOUNT_MAX, CHALLENGES_MAX = 10, 20_000
"""More is refused: passkeys of one account, and challenges that wait for an answer."""

_CREDENTIAL_CHARS_MAX = 20_000
_LABEL_CHARS_MAX = 60
_REGISTER, _SIGN_IN = "register", "sign_in"


class Passkey(Struct, frozen=True, kw_only=True):
    """One passkey, as its owner is told of it."""

    id: str
    label: str
    made_at: int
    used_at: int | None


class Place(Struct, frozen=True, kw_only=True):
    """For which address passkeys are made.

    Attributes:
        domain: What they are bound to.
        origin: The address that a browser says it has open.
    """

    domain: str
    origin: str


def place_of(url: str) -> Place | None:
    """Return where passkeys work, for what people type to reach the portal; None where they do not.

    Browsers allow them over https, or on this machine, by name: an address of numbers has none.
    """
    parts = urlsplit(url)
    domain = parts.hostname or ""
    try:
        ipaddress.ip_address(domain)
    except ValueError:
        pass
    else:
        return None
    if not domain or (parts.scheme != "https" and domain != "localhost"):
        return None
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return Place(domain=domain, origin=f"{parts.scheme}://{domain}{port}")


class Passkeys:
    """The passkeys of all accounts.

    Args:
        book: Where they are kept.
        accounts: Whose they are.
        secret: The portal's own.
        url: What people type to reach it.
    """

    def __init__(self, book: Book, accounts: Accounts, secret: str, url: str) -> None:
        self._book, self._accounts, self._secret = book, accounts, secret
        self.place = place_of(url)

    def ask_to_add(self, account: Account, session: str, now: int) -> str:
        """Return what a browser needs to make a passkey, as JSON.

        Raises:
            SignInError: Somebody signed in too long ago, or has too many.
        """
        place = self._place()
        made_at = {one.id: one.made_at for one in self._accounts.sessions(account.id)}
        if now - made_at.get(session, 0) > FRESH_S * 1_000:
            raise SignInError("passkey_stale")
        kept = self.of(account.id)
        if len(kept) >= PER_ACCOUNT_MAX:
            raise SignInError("passkey_many")
        options = webauthn.generate_registration_options(
            rp_id=place.domain,
            rp_name="微脑",
            user_id=self._handle(account.id),
            user_name=account.id,
            user_display_name=account.name,
            challenge=self._challenge(_REGISTER, session, now),
            timeout=CHALLENGE_S * 1_000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.id)) for one in kept
            ],
        )
        return webauthn.options_to_json(options)

    def add(self, account: Account, session: str, credential: str, label: str, now: int) -> str:
        """Keep a new passkey of somebody's who is signed in; return its id.

        Raises:
            SignInError: It is not an answer to what this browser was asked.
        """
        place = self._place()
        challenge = self._used(_REGISTER, session, now)
        try:
            found = webauthn.verify_registration_response(
                credential=credential[:_CREDENTIAL_CHARS_MAX],
                expected_challenge=challenge,
                expected_rp_id=place.domain,
                expected_origin=place.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError) as error:
            raise SignInError("passkey_refused") from error
        name = bytes_to_base64url(found.credential_id)
        kept = self._book.do(
            "INSERT OR IGNORE INTO passkeys VALUES (?, ?, ?, ?, ?, ?, NULL)",
            name, account.id, found.credential_public_key, found.sign_count,
            label.strip()[:_LABEL_CHARS_MAX], now,
        )  # fmt: skip
        if not kept:
            raise SignInError("passkey_refused")  # somebody has it
        return name

    def ask_to_sign_in(self, holder: str, now: int) -> str:
        """Return what a browser needs to sign in whoever has a passkey on it, as JSON.

        Args:
            holder: The key of a cookie that only this browser has.
            now: The time.
        """
        options = webauthn.generate_authentication_options(
            rp_id=self._place().domain,
            challenge=self._challenge(_SIGN_IN, hashed(holder), now),
            timeout=CHALLENGE_S * 1_000,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return webauthn.options_to_json(options)

    def sign_in(self, holder: str, credential: str, address: str, now: int) -> tuple[Account, str]:
        """Return whose passkey signed, and its id.

        Raises:
            SignInError: It is nobody's, signed something else, or there were too many wrong answers
                lately.
            CopiedError: Its counter went back.
        """
        self._accounts.refuse_guessing("", address, now)
        try:
            signed = self._verified(holder, credential, now)
        except SignInError:
            self._accounts.failed("", address, now)
            raise
        self._accounts.refuse_guessing(signed.account.id, address, now)
        # A device counts its signatures, or always says 0. Anything else was signed by a copy, or
        # once before and kept.
        counts = bool(signed.count or signed.before)
        again = counts and signed.count <= signed.before
        if again or not self._counted(signed, now):
            self._accounts.failed(signed.account.id, address, now)
            raise CopiedError(signed.account.id)
        return signed.account, signed.passkey

    def of(self, account: str) -> list[Passkey]:
        """Return somebody's passkeys, oldest first."""
        rows = self._book.ask(
            "SELECT id, label, made_at, used_at FROM passkeys WHERE account = ? ORDER BY made_at",
            account,
        )
        return [Passkey(id=row[0], label=row[1], made_at=row[2], used_at=row[3]) for row in rows]

    def remove(self, account: str, name: str, now: int) -> bool:
        """Take one of somebody's passkeys back, with all sessions that it opened."""
        with self._book.together():
            gone = self._book.do(
                "DELETE FROM passkeys WHERE account = ? AND id = ?", account, name
            )  # fmt: skip
            if gone:
                self._book.do(
                    "UPDATE sessions SET ended_at = ?"
                    " WHERE account = ? AND passkey = ? AND ended_at IS NULL",
                    now, account, name,
                )  # fmt: skip
        return bool(gone)

    def _place(self) -> Place:
        if self.place is None:
            raise SignInError("passkey_place")
        return self.place

    def _handle(self, account: str) -> bytes:
        """Return how a device knows an account: always the same, and no name."""
        return hmac.new(self._secret.encode(), f"passkey {account}".encode(), sha256).digest()

    def _challenge(self, purpose: str, holder: str, now: int) -> bytes:
        """Return a new challenge for one browser; what it was asked before, it is asked no more."""
        made = secrets.token_bytes(CHALLENGE_BYTES)
        with self._book.together():
            self._book.do("DELETE FROM challenges WHERE expires_at <= ?", now)
            [[waiting]] = self._book.ask("SELECT count(*) FROM challenges")
            if waiting >= CHALLENGES_MAX:
                raise SignInError("too_many")
            self._book.do(
                "INSERT OR REPLACE INTO challenges VALUES (?, ?, ?, ?)",
                purpose, holder, made, now + CHALLENGE_S * 1_000,
            )  # fmt: skip
        return made

    def _used(self, purpose: str, holder: str, now: int) -> bytes:
        """Return the challenge that waits for an answer of one browser, and use it up."""
        with self._book.together():
            rows = self._book.ask(
                "SELECT challenge FROM challenges"
                " WHERE purpose = ? AND holder = ? AND expires_at > ?",
                purpose, holder, now,
            )  # fmt: skip
            self._book.do(
                "DELETE FROM challenges WHERE purpose = ? AND holder = ?", purpose, holder
            )  # fmt: skip
        if not rows:
            raise SignInError("passkey_late")
        return bytes(rows[0][0])

    def _verified(self, holder: str, credential: str, now: int) -> "_Signed":
        """Return who signed what this browser was asked.

        Raises:
            SignInError: Nobody did.
        """
        place = self._place()
        challenge = self._used(_SIGN_IN, hashed(holder), now)
        try:
            claimed = msgspec.json.decode(credential[:_CREDENTIAL_CHARS_MAX], type=_Credential)
            handle = base64url_to_bytes(claimed.response.userHandle or "")
        except (msgspec.MsgspecError, ValueError) as error:
            raise SignInError("passkey_refused") from error
        rows = self._book.ask(
            "SELECT account, public_key, sign_count FROM passkeys WHERE id = ?", claimed.id
        )
        account = self._accounts.find(rows[0][0]) if rows else None
        if account is None:
            raise SignInError("passkey_unknown")
        _, public_key, before = rows[0]
        if not hmac.compare_digest(handle, self._handle(account.id)):
            raise SignInError("passkey_refused")
        try:
            found = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=place.domain,
                expected_origin=place.origin,
                credential_public_key=public_key,
                credential_current_sign_count=0,  # held against ours by who asks, once it is signed
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError) as error:
            raise SignInError("passkey_refused") from error
        return _Signed(account, claimed.id, before, found.new_sign_count)

    def _counted(self, signed: "_Signed", now: int) -> bool:
        """Note that a passkey signed; False where another signature was faster."""
        return bool(
            self._book.do(
                "UPDATE passkeys SET sign_count = ?, used_at = ? WHERE id = ? AND sign_count = ?",
                signed.count, now, signed.passkey, signed.before,
            )
        )  # fmt: skip


class CopiedError(SignInError):
    """A passkey's counter went back: somebody may have a copy of it.

    Attributes:
        account: Whose it is.
    """

    def __init__(self, account: str) -> None:
        super().__init__("passkey_copied")
        self.account = account


class _Response(Struct):
    userHandle: str | None = None  # noqa: N815  # the standard's word


class _Credential(Struct):
    id: str
    response: _Response


class _Signed(Struct, frozen=True):
    """A signature that holds: whose, by which passkey, and its counter before and now."""

    account: Account
    passkey: str
    before: int
    count: int
