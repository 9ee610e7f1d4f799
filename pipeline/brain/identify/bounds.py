"""What a threshold may be: the range of each unit, beyond which it can only be a slip of the pen.

Wide on purpose: within them it is for whoever runs the community to choose. They hold for what is
read from a file; a rule made in code is taken at its word.
"""

from typing import Annotated, Literal

from msgspec import Meta

Seconds = Annotated[int, Meta(ge=1, le=604_800)]
"""Up to a week."""

SecondsExact = Annotated[float, Meta(gt=0, le=604_800)]
Minutes = Annotated[int, Meta(ge=1, le=10_080)]
MinutesExact = Annotated[float, Meta(gt=0, le=10_080)]
Hours = Annotated[int, Meta(ge=1, le=720)]
HoursExact = Annotated[float, Meta(gt=0, le=720)]
Days = Annotated[int, Meta(ge=1, le=366)]

MinuteOfDay = Annotated[int, Meta(ge=0, le=1_439)]
"""Of the local day, from midnight."""

HourOfDay = Annotated[float, Meta(ge=0, le=24)]

Times = Annotated[int, Meta(ge=1, le=1_000)]

Slope = Annotated[int, Meta(ge=2, le=366)]
"""Of values that a slope is drawn through: one alone has none."""

Points = Annotated[int, Meta(ge=0, le=20)]
"""Of an early warning score."""

Share = Annotated[float, Meta(ge=0, le=1)]
SharePositive = Annotated[float, Meta(gt=0, le=1)]
Quantile = Annotated[float, Meta(ge=0, lt=1)]
QuantileLow = Annotated[float, Meta(ge=0, lt=0.5)]
"""Below the median."""

Percent = Annotated[float, Meta(ge=0, le=100)]
Factor = Annotated[float, Meta(ge=1, le=100)]
Weight = Annotated[float, Meta(gt=0, le=100)]
Years = Annotated[int, Meta(ge=0, le=120)]
Celsius = Annotated[float, Meta(ge=-40, le=80)]
CelsiusApart = Annotated[float, Meta(ge=0, le=20)]
Mmhg = Annotated[float, Meta(ge=20, le=300)]
Bpm = Annotated[float, Meta(ge=20, le=250)]
Watts = Annotated[float, Meta(gt=0, le=1_000_000)]
WattHours = Annotated[float, Meta(ge=0, le=1_000_000)]
Litres = Annotated[float, Meta(ge=0, le=100_000)]
Density = Annotated[float, Meta(gt=0, le=20)]
"""People per square metre."""

Change = Annotated[float, Meta(gt=0, le=1_000)]
"""In the unit of whatever changes."""

Score = Annotated[float, Meta(ge=0, le=100)]
"""Of health, from 0 to 100."""

Word = Annotated[str, Meta(max_length=64, pattern="^[^A-Z]*$")]
"""Part of a name, or the name of a room; compared in lower case."""

Words = Annotated[tuple[Word, ...], Meta(max_length=64)]

SeverityName = Literal["info", "minor", "major", "critical"]
