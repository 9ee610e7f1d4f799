"""A device that makes passkeys and signs with them, by the standard, in a few lines.

What a browser and its device do between `navigator.credentials` and what a page sends: so that a
test may do what a right one never would. `tests/portal/test_passkeys_browser.py` has a right one.

References:
    W3C Web Authentication, Level 3: 6.1 (authenticator data), 5.8.1 (client data).
"""

import base64
import os
from hashlib import sha256
from typing import Any

import cbor2
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


def quoted(content: bytes) -> str:
    """Return base64url without filling."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Authenticator:
    """One passkey, on one device.

    Args:
        origin: The address that its browser has open.
        domain: What it makes passkeys for, whatever it is asked.
    """

    def __init__(self, origin: str, domain: str) -> None:
        self.origin, self.domain = origin, domain
        self.id, self.handle, self.count = os.urandom(24), b"", 0
        self._key = ec.generate_private_key(ec.SECP256R1())

    def made(self, options: dict[str, Any], *, flags: int = PRESENT | VERIFIED) -> str:
        """Return what a page sends of a new passkey."""
        self.handle = base64.urlsafe_b64decode(options["user"]["id"] + "==")
        point = self._key.public_key().public_numbers()
        cose = {
            1: 2, 3: -7, -1: 1,
            -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big"),
        }  # fmt: skip
        key = b"\0" * 16 + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        shown = {"fmt": "none", "attStmt": {}, "authData": self._data(flags | WITH_KEY) + key}
        return self._said(
            {
                "clientDataJSON": quoted(self._client("webauthn.create", options["challenge"])),
                "attestationObject": quoted(cbor2.dumps(shown)),
            }
        )

    def signed(self, options: dict[str, Any], *, flags: int = PRESENT | VERIFIED) -> str:
        """Return what a page sends of a signature."""
        self.count += 1
        data, client = self._data(flags), self._client("webauthn.get", options["challenge"])
        signature = self._key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._said(
            {
                "clientDataJSON": quoted(client),
                "authenticatorData": quoted(data),
                "signature": quoted(signature),
                "userHandle": quoted(self.handle),
            }
        )

    def _data(self, flags: int) -> bytes:
        domain = sha256(self.domain.encode()).digest()
        return domain + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return msgspec.json.encode(
            {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        )

    def _said(self, response: dict[str, str]) -> str:
        name = quoted(self.id)
        said = {
            "id": name, "rawId": name, "type": "public-key", "response": response,
            "clientExtensionResults": {}, "authenticatorAttachment": "platform",
        }  # fmt: skip
        return msgspec.json.encode(said).decode()
