"""Every id is derived from what caused it, so that edge, cloud and replay agree on it."""

from hashlib import blake2b


def observation_id(device: str, boot: str, seq: int, index: int) -> str:
    """Return the id of the observation at `index` of a pack."""
    return f"{device}:{boot}:{seq}.{index}"


REPORTER = "reporter"


def reporter_of(report: str) -> str:
    """Return how somebody is called of whom nothing is known but what they reported."""
    return derived(REPORTER, report)


def derived(prefix: str, *causes: object) -> str:
    """Return a short id that equal causes always give: `prefix-` and 16 hexadecimal digits."""
    digest = blake2b("\x1f".join(map(str, causes)).encode(), digest_size=8)
    return f"{prefix}-{digest.hexdigest()}"
