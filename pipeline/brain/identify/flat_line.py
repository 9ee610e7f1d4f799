"""Flat line: a worn sensor that says the same for ever is as good as silent.

    a sign does not vary for longer than a body can hold it -> RAISED, of the device
    it varies again, or the device is taken off             -> CLEARED

Its readings are no longer used by then (`perceive.artefact`); this tells somebody to look.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.artefact import Artefacts, Run, Runs
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Vitals
from weinao.outcomes import Hazard, HazardKind, Phase, Severity


class FlatLineState(Struct, frozen=True, kw_only=True):
    """What is remembered of one device.

    Attributes:
        newest: Time and id of the newest reading taken in.
        by: The reading that began the newest run of each sign.
    """

    newest: tuple[int, str] = (-1, "")
    runs: Runs = {}
    by: dict[str, str] = {}
    raised: Hazard | None = None


class FlatLine(Struct, frozen=True, kw_only=True):
    """Raise when a sign of a worn device is stuck; clear when it varies or nobody wears it.

    Args:
        artefacts: How long a sign may have one value.
    """

    name: str = "flat_line"
    ordered: bool = True
    communal: bool = False
    artefacts: Artefacts = Artefacts()

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        worn = isinstance(said, Vitals) and said.worn is not None
        return seen.device if worn else None

    def initial(self, subject: str, household: str) -> FlatLineState:  # noqa: ARG002  # nothing known
        return FlatLineState()

    def observe(self, state: FlatLineState, seen: Seen) -> tuple[FlatLineState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Vitals) or (seen.at, seen.id) <= state.newest:
            return state, ()
        runs, _ = self.artefacts.clean(state.runs, seen, said)
        by = {key: state.by.get(key, "") for key in runs}
        by |= {key: seen.id for key, run in runs.items() if run.since == seen.at}
        state = replace(state, newest=(seen.at, seen.id), runs=runs, by=by)
        stuck = [key for key in sorted(runs) if self.artefacts.is_stuck(runs[key], _sign(key))]
        if stuck and state.raised is None:
            hazard = _hazard(seen, _sign(stuck[0]), runs[stuck[0]], by[stuck[0]])
            return replace(state, raised=hazard), (hazard,)
        if not stuck and state.raised is not None:
            over = replace(
                state.raised,
                phase=Phase.CLEARED,
                at=max(seen.at, state.raised.at),
                evidence=(seen.id,),
                reason="device_silent.varies_again",
            )
            return replace(state, raised=None), (over,)
        return state, ()

    def pass_time(self, state: FlatLineState, at: int) -> tuple[FlatLineState, Sequence[Hazard]]:  # noqa: ARG002  # only readings tell
        return state, ()

    def lose_sight(self, state: FlatLineState, at: int) -> FlatLineState:  # noqa: ARG002  # what was read stays read
        return state


def _hazard(seen: Seen, sign: str, run: Run, by: str) -> Hazard:
    return Hazard(
        id=derived("h", HazardKind.DEVICE_SILENT, "flat", seen.device, sign, run.since),
        kind=HazardKind.DEVICE_SILENT,
        phase=Phase.RAISED,
        subject=seen.device,
        household=seen.household,
        at=seen.at,
        severity=Severity.MINOR,
        evidence=tuple(one for one in (by, seen.id) if one),
        reason="device_silent.flat_line",
        facts={
            "sign": sign,
            "value": round(run.value, 1),
            "hours": round((run.at - run.since) / 3_600_000, 1),
        },
    )


def _sign(key: str) -> str:
    return key.rpartition("/")[2]
