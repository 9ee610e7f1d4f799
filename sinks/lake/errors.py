"""What may be wrong between us and a lake."""


class LakeError(Exception):
    """Something is wrong with a lake."""


class LakeUnavailableError(LakeError):
    """Nothing is wrong with what was asked: another writes to it, or it is not there yet."""


class LakeRefusedError(LakeError):
    """What was asked will never be done: the message says why, and what would be."""
