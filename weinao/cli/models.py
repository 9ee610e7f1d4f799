"""`weinao models`: weights by name and hash, out of the packages that ship them."""

import os
import sys
from pathlib import Path

from cyclopts import App
from rich.console import Console
from rich.table import Table

app = App(name="models", help="Weights of networks: fetch, list and check them.")


@app.command
def pull(*names: str, folder: Path | None = None, packages: Path | None = None) -> None:
    """Fetch weights, check their hashes, and keep them outside the repository.

    Args:
        names: Which; all, if none is named.
        folder: Where they are kept; the user's cache, if not said.
        packages: Take the packages from this folder instead of a registry.
    """
    from models.vision.catalogue import WEIGHTS, weights_named
    from models.vision.pull import PullError
    from models.vision.pull import pull as fetch

    console = Console(stderr=True)
    try:
        wanted = [weights_named(name) for name in names] or list(WEIGHTS)
        new = fetch(wanted, _folder(folder), packages=packages, told=console.print)
    except (PullError, KeyError) as error:
        sys.exit(str(error.args[0]))
    console.print(f"{len(new)} fetched, {len(wanted) - len(new)} already there")


@app.command(name="list")
def list_(*, folder: Path | None = None) -> None:
    """Show which weights there are, their sources and licences, and which are here."""
    from models.vision.catalogue import WEIGHTS
    from models.vision.store import held

    table = Table(title=str(_folder(folder)))
    for column in ("name", "here", "for", "package", "licence", "sha256"):
        table.add_column(column)
    for one in WEIGHTS:
        package = f"{one.package.client}: {one.package.name} {one.package.version}"
        here = held(_folder(folder), one)
        table.add_row(one.name, here, one.about, package, one.licence, one.sha256[:12])
    Console().print(table)


@app.command
def verify(*, folder: Path | None = None) -> None:
    """Check the hash of every file of weights; exit with 1 unless all are there and good."""
    from models.vision.catalogue import WEIGHTS
    from models.vision.store import Held, held

    found = {one.name: held(_folder(folder), one) for one in WEIGHTS}
    for name, here in found.items():
        print(f"{name}: {here}")  # noqa: T201  # what was asked for
    sys.exit(any(here is not Held.GOOD for here in found.values()))


def _folder(chosen: Path | None) -> Path:
    from models.vision.store import default_folder

    return chosen or default_folder(os.environ)
