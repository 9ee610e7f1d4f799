"""A settings file as documentation: what it says above each key, and where that comes from.

Above a key stand its sentence and, after `source:`, its source; the key may be commented out.
"""

import re
import tomllib

from msgspec import Struct

_TABLE = re.compile(r"^\[([a-z0-9_.]+)\]")
_KEY = re.compile(r"^(?:# )?([a-z0-9_]+) = ")


class Said(Struct, frozen=True):
    """What a file says of one key."""

    about: str
    source: str


def documented(text: str) -> dict[str, Said]:
    """Return what a file says of each key, by its place: `stove.away_s_max`."""
    found: dict[str, Said] = {}
    table, above = "", list[str]()
    for line in text.splitlines():
        if header := _TABLE.match(line):
            table, above = f"{header[1]}.", []
        elif key := _KEY.match(line):
            about, _, source = " ".join(above).partition("source:")
            found[table + key[1]] = Said(about.strip(), source.strip())
            above = []
        elif line.startswith("# "):
            above.append(line[2:].strip())
        else:
            above = []
    return found


def uncommented(text: str) -> dict[str, object]:
    """Return the tables of a file with all that it comments out."""
    return tomllib.loads(re.sub(r"^# (?=[a-z0-9_]+ = )", "", text, flags=re.MULTILINE))
