"""The key by which services of browsers know the portal: made once, its public half given to pages.

A browser that allowed notices takes them from whoever holds this key, and from nobody else: who
loses it asks everybody to press the button once more.

References:
    RFC 8292, Voluntary Application Server Identification.
"""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

VAPID = "vapid.pem"
"""Its file in the portal's folder, readable by its owner alone."""


def new_pem() -> str:
    """Return a new private key on P-256, as PEM."""
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def public_of(pem: str) -> str:
    """Return the public half as browsers take it: an uncompressed point, base64url, unfilled."""
    point = load_pem_private_key(pem.encode(), None).public_key()
    content = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
