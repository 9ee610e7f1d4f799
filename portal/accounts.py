"""Who may sign in, and how they prove it: password, second factor, session, invitation, token.

Whom somebody may look at is not written here: that follows from the registry as it stands, each
time anew, so that a contact who was struck off sees nothing from that moment on.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from portal.secret import hashed, new_key
from portal.settings import SignInSettings
from sinks.book import Book

PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 200
TOTP_STEP_S = 30
_HOUR_MS, _DAY_MS, _MINUTE_MS = 3_600_000, 86_400_000, 60_000
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{1,63}")


class Role(StrEnum):
    """In whose place somebody looks at the portal."""

    FAMILY = "family"
    RESIDENT = "resident"
    STAFF = "staff"
    OPERATOR = "operator"
    OFFICE = "office"


WITH_SECOND_FACTOR = frozenset({Role.STAFF, Role.OPERATOR, Role.OFFICE})


class Scope(StrEnum):
    """What a token may be used for, at most; its account's reach bounds it further."""

    INCIDENTS = "incidents:read"
    ANSWER = "incidents:answer"
    VITALS = "vitals:read"
    STATISTICS = "statistics:read"
    DEVICES = "devices:read"
    REPORT = "reports:write"
    HOOKS = "webhooks:write"


class Account(Struct, frozen=True, kw_only=True):
    """Somebody who may sign in.

    Attributes:
        person: Their id in the registry: of a contact, a resident, or a member of staff.
    """

    id: str
    role: Role
    person: str
    name: str
    language: str = "zh"
    closed_at: int | None = None


class Session(Struct, frozen=True, kw_only=True):
    """A browser in which somebody is signed in; `id` is a hash, and opens nothing."""

    id: str
    account: str
    device: str
    made_at: int
    seen_at: int


class Invitation(Struct, frozen=True, kw_only=True):
    """Whom an unused invitation would let in."""

    id: str
    role: Role
    person: str
    name: str
    made_by: str
    expires_at: int


class SignInError(Exception):
    """Somebody cannot be let in; `key` is a key of the catalogue that says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Accounts:
    """All accounts of one portal.

    Args:
        book: Where they are kept.
        settings: For how long things hold.
    """

    def __init__(self, book: Book, settings: SignInSettings) -> None:
        self._book, self._settings = book, settings
        self._hasher = PasswordHasher()
        # So that an account that does not exist takes as long to refuse as one that does.
        self._nobody = self._hasher.hash(new_key())

    def invite(
        self, role: Role, person: str, name: str, *, by: str, now: int
    ) -> tuple[str, Invitation]:
        """Return the key of a new invitation, which is not kept, and what it is for."""
        key = new_key()
        made = Invitation(
            id=hashed(key),
            role=role,
            person=person,
            name=name,
            made_by=by,
            expires_at=now + self._settings.invitation_days * _DAY_MS,
        )
        self._book.do(
            "INSERT INTO invitations VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            made.id, role, person, name, by, now, made.expires_at,
        )  # fmt: skip
        return key, made

    def invitation(self, key: str, now: int) -> Invitation:
        """Return what an invitation is for.

        Raises:
            SignInError: There is none, it was used, or it is too late.
        """
        rows = self._book.ask(
            "SELECT hash, role, person, name, made_by, expires_at, used_at FROM invitations"
            " WHERE hash = ?",
            hashed(key),
        )
        if not rows:
            raise SignInError("invitation_unknown")
        *shown, used_at = rows[0]
        found = _invitation(shown)
        if used_at is not None:
            raise SignInError("invitation_used")
        if now >= found.expires_at:
            raise SignInError("invitation_expired")
        return found

    def join(
        self, key: str, account: str, password: str, totp: tuple[str, str], now: int
    ) -> Account:
        """Make the account that an invitation is for, and use the invitation up.

        Args:
            key: Of the invitation.
            account: The name to sign in with.
            password: As it was typed.
            totp: The secret that was shown, and the code that proves that it was taken over;
                both empty where the role needs no second factor.
            now: The time.

        Raises:
            SignInError: The invitation does not hold, or something typed will not do.
        """
        found = self.invitation(key, now)
        if not _ACCOUNT.fullmatch(account):
            raise SignInError("account_shape")
        if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
            raise SignInError("password_short")
        secret, code = totp
        if found.role in WITH_SECOND_FACTOR and not _step_of(secret, code, now):
            raise SignInError("code_wrong")
        step = _step_of(secret, code, now) if secret else 0
        kept = self._hasher.hash(password)
        with self._book.together():
            if self._book.ask("SELECT 1 FROM accounts WHERE id = ?", account):
                raise SignInError("account_taken")
            used = self._book.do(
                "UPDATE invitations SET used_at = ? WHERE hash = ? AND used_at IS NULL",
                now,
                found.id,
            )
            if not used:
                raise SignInError("invitation_used")
            self._book.do(
                "INSERT INTO accounts VALUES (?, ?, ?, ?, 'zh', ?, ?, ?, ?, NULL)",
                account, found.role, found.person, found.name, kept, secret, step or 0, now,
            )  # fmt: skip
        return Account(id=account, role=found.role, person=found.person, name=found.name)

    def sign_in(self, account: str, password: str, code: str, address: str, now: int) -> Account:
        """Return whose password and code these are.

        Raises:
            SignInError: They are nobody's, or there were too many wrong ones lately.
        """
        self.refuse_guessing(account, address, now)
        rows = self._book.ask(
            "SELECT id, role, person, name, language, closed_at, password, totp_secret, totp_step"
            " FROM accounts WHERE id = ? AND closed_at IS NULL",
            account,
        )
        kept = rows[0][6] if rows else self._nobody
        if not self._is(kept, password[:PASSWORD_CHARS_MAX]) or not rows:
            self.failed(account, address, now)
            raise SignInError("wrong")
        found, (secret, used) = _account(rows[0][:6]), rows[0][7:]
        if secret or found.role in WITH_SECOND_FACTOR:
            step = _step_of(secret, code, now)
            # A code that was used opens nothing again, though it may still be on the display.
            if step is None or not self._use_step(found.id, step, used):
                self.failed(account, address, now)
                raise SignInError("wrong")
        self._book.do("DELETE FROM failures WHERE about = ?", f"account {account}")
        return found

    def refuse_guessing(self, account: str, address: str, now: int) -> None:
        """Let nobody try on after too many wrong answers.

        Args:
            account: Whose; empty where nobody was named.
            address: From where.
            now: The time.

        Raises:
            SignInError: There were too many lately.
        """
        since = now - self._settings.failures_min * _MINUTE_MS
        most = self._settings.failures_max
        # Many people may share the address of a community's network.
        for about, limit in ((f"account {account}", most), (f"address {address}", 10 * most)):
            if about == "account ":
                continue
            [[count]] = self._book.ask(
                "SELECT count(*) FROM failures WHERE about = ? AND at > ?", about, since
            )
            if count >= limit:
                raise SignInError("too_many")

    def failed(self, account: str, address: str, now: int) -> None:
        """Remember a wrong answer, for an account, if one was named, and from an address."""
        with self._book.together():
            for about in (f"account {account}", f"address {address}"):
                self._book.do("INSERT INTO failures VALUES (?, ?)", about, now)
            self._book.do("DELETE FROM failures WHERE at < ?", now - _DAY_MS)

    def open_session(self, account: Account, device: str, now: int, passkey: str = "") -> str:
        """Return the key of a new session; it ends with the passkey that opened it, if one did."""
        key = new_key()
        self._book.do(
            "INSERT INTO sessions (hash, account, device, made_at, seen_at, passkey)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            hashed(key), account.id, device[:120], now, now, passkey,
        )  # fmt: skip
        return key

    def find(self, account: str) -> Account | None:
        """Return an account that is not closed."""
        rows = self._book.ask(
            "SELECT id, role, person, name, language, closed_at FROM accounts"
            " WHERE id = ? AND closed_at IS NULL",
            account,
        )
        return _account(rows[0]) if rows else None

    def session(self, key: str, now: int) -> tuple[Account, str] | None:
        """Return whose session a key opens, and its id; None if it opens none."""
        rows = self._book.ask(
            "SELECT a.id, role, person, name, language, closed_at, hash, s.made_at, s.seen_at"
            " FROM sessions s JOIN accounts a ON a.id = s.account"
            " WHERE hash = ? AND ended_at IS NULL AND closed_at IS NULL",
            hashed(key),
        )
        if not rows:
            return None
        found, (session, made_at, seen_at) = _account(rows[0][:6]), rows[0][6:]
        idle_ms, longest_ms = self._bounds(found.role)
        if now - seen_at > idle_ms or now - made_at > longest_ms:
            return None
        if now - seen_at > _MINUTE_MS:
            self._book.do("UPDATE sessions SET seen_at = ? WHERE hash = ?", now, session)
        return found, session

    def sessions(self, account: str) -> list[Session]:
        """Return where somebody is signed in, newest first."""
        rows = self._book.ask(
            "SELECT hash, account, device, made_at, seen_at FROM sessions"
            " WHERE account = ? AND ended_at IS NULL ORDER BY seen_at DESC",
            account,
        )
        return [
            Session(id=row[0], account=row[1], device=row[2], made_at=row[3], seen_at=row[4])
            for row in rows
        ]

    def end_sessions(self, account: str, now: int, session: str | None = None) -> None:
        """End one session of an account, or all of them."""
        self._book.do(
            "UPDATE sessions SET ended_at = ? WHERE account = ? AND ended_at IS NULL"
            " AND (? IS NULL OR hash = ?)",
            now, account, session, session,
        )  # fmt: skip

    def all(self) -> list[Account]:
        """Return every account, by name."""
        rows = self._book.ask(
            "SELECT id, role, person, name, language, closed_at FROM accounts ORDER BY id"
        )
        return [_account(row) for row in rows]

    def invitations(self, now: int) -> list[Invitation]:
        """Return the invitations that can still be used."""
        rows = self._book.ask(
            "SELECT hash, role, person, name, made_by, expires_at FROM invitations"
            " WHERE used_at IS NULL AND expires_at > ? ORDER BY made_at DESC",
            now,
        )
        return [_invitation(row) for row in rows]

    def close(self, account: str, now: int) -> None:
        """Let nobody in by an account any more, and end its sessions and tokens."""
        with self._book.together():
            self._book.do("UPDATE accounts SET closed_at = ? WHERE id = ?", now, account)
            self.end_sessions(account, now)
            self._book.do(
                "UPDATE tokens SET ended_at = ? WHERE account = ? AND ended_at IS NULL",
                now,
                account,
            )

    def speak(self, account: str, language: str) -> None:
        """Remember somebody's language."""
        self._book.do("UPDATE accounts SET language = ? WHERE id = ?", language, account)

    def new_token(
        self, account: str, label: str, scopes: Sequence[Scope], days: int, now: int
    ) -> str:
        """Return a new token for programs; it is not kept."""
        key = new_key()
        self._book.do(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, NULL)",
            hashed(key), account, label[:80], " ".join(scopes), now, now + days * _DAY_MS,
        )  # fmt: skip
        return key

    def token(self, key: str, now: int) -> tuple[Account, frozenset[Scope]] | None:
        """Return in whose name a token speaks, and what for; None if it does not hold."""
        return self.held(hashed(key), now)

    def held(self, token: str, now: int) -> tuple[Account, frozenset[Scope]] | None:
        """Return the same for the hash of a token."""
        rows = self._book.ask(
            "SELECT a.id, role, person, name, language, closed_at, scopes"
            " FROM tokens t JOIN accounts a ON a.id = t.account"
            " WHERE hash = ? AND ended_at IS NULL AND closed_at IS NULL AND expires_at > ?",
            token,
            now,
        )
        if not rows:
            return None
        return _account(rows[0][:6]), frozenset(Scope(name) for name in rows[0][6].split())

    def tokens(self, account: str, now: int) -> list[tuple[str, str, str, int]]:
        """Return id, label, scopes and end of somebody's tokens."""
        return self._book.ask(
            "SELECT hash, label, scopes, expires_at FROM tokens"
            " WHERE account = ? AND ended_at IS NULL AND expires_at > ? ORDER BY made_at",
            account,
            now,
        )

    def end_token(self, account: str, token: str, now: int) -> None:
        """Make one of somebody's tokens useless."""
        self._book.do(
            "UPDATE tokens SET ended_at = ? WHERE hash = ? AND account = ?", now, token, account
        )

    def _bounds(self, role: Role) -> tuple[int, int]:
        if role in WITH_SECOND_FACTOR:
            longest = self._settings.staff_session_h_max * _HOUR_MS
            return longest, longest
        idle_ms = self._settings.session_idle_h * _HOUR_MS
        return idle_ms, self._settings.session_days_max * _DAY_MS

    def _is(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    def _use_step(self, account: str, step: int, used: int) -> bool:
        return step > used and bool(
            self._book.do(
                "UPDATE accounts SET totp_step = ? WHERE id = ? AND totp_step < ?",
                step,
                account,
                step,
            )
        )


def new_totp() -> str:
    """Return a new secret for somebody's authenticator."""
    return pyotp.random_base32()


def totp_link(secret: str, account: str) -> str:
    """Return the link that an authenticator reads from a picture."""
    return pyotp.TOTP(secret, interval=TOTP_STEP_S).provisioning_uri(
        name=account, issuer_name="weinao"
    )


def _step_of(secret: str, code: str, now: int) -> int | None:
    """Return the time step that a code is of, at most one before or after this one; else None."""
    if not secret or not code.isdecimal():
        return None
    made, present = pyotp.TOTP(secret, interval=TOTP_STEP_S), now // 1_000 // TOTP_STEP_S
    for step in (present, present - 1, present + 1):
        if pyotp.utils.strings_equal(made.generate_otp(step), code):
            return step
    return None


def _account(row: Sequence[object]) -> Account:
    name, role, person, called, language, closed_at = row
    return Account(
        id=str(name),
        role=Role(str(role)),
        person=str(person),
        name=str(called),
        language=str(language),
        closed_at=closed_at if isinstance(closed_at, int) else None,
    )


def _invitation(row: Sequence[object]) -> Invitation:
    key, role, person, name, made_by, expires_at = row
    assert isinstance(expires_at, int)
    return Invitation(
        id=str(key),
        role=Role(str(role)),
        person=str(person),
        name=str(name),
        made_by=str(made_by),
        expires_at=expires_at,
    )
