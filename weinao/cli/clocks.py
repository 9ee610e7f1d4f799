"""The hidden option `--clock` of every program: the clock of a story that is played."""

import sys
from typing import Annotated

from cyclopts import Parameter

from weinao.clock import Clock, clock_of

ClockOption = Annotated[str, Parameter(name="--clock", show=False)]
"""`SET_AT/SHOWS/SPEED/UNTIL`; empty for the wall's."""


def told_time(text: str) -> Clock:
    """Return the clock that the option names; end the program if it names none."""
    try:
        return clock_of(text)
    except ValueError as error:
        sys.exit(f"weinao: {error}")
