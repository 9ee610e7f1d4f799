"""`weinao models`: weights of others by name and hash; our own, trained again."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table

from weinao.cli import showing
from weinao.cli.legible import legible
from weinao.cli.read import Json

app = App(name="models", help="Weights of networks: fetch, list, check, train.")


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

    console = showing.console(stderr=True)
    try:
        wanted = [weights_named(name) for name in names] or list(WEIGHTS)
        new = fetch(wanted, _folder(folder), packages=packages, told=console.print)
    except (PullError, KeyError) as error:
        sys.exit(str(error.args[0]))
    console.print(f"{len(new)} fetched, {len(wanted) - len(new)} already there")


@app.command
def convert(*names: str, folder: Path | None = None, packages: Path | None = None) -> None:
    """Write weights as ncnn reads them, beside what was fetched: for boards without OpenVINO.

    Each is held against the file that it was made of. The files may be copied to other machines.

    Args:
        names: Which; all that ncnn can run, if none is named.
        folder: Where they are kept; the user's cache, if not said.
        packages: Take the converter's package from this folder instead of a registry.
    """
    from models.vision.base import VisionError
    from models.vision.catalogue import WEIGHTS, weights_named
    from models.vision.ncnn_files import pnnx_in, write_for_ncnn
    from models.vision.pull import PullError
    from models.vision.store import path_of

    console = showing.console(stderr=True)
    try:
        wanted = [weights_named(name) for name in names] or [one for one in WEIGHTS if one.shape]
        if other := [one.name for one in wanted if not one.shape]:
            sys.exit(f"{', '.join(other)}: ncnn cannot run this; it runs what comes as ONNX")
        paths = [path_of(_folder(folder), one.name) for one in wanted]
        with tempfile.TemporaryDirectory(prefix="weinao-pnnx-") as scratch:
            console.print("pnnx: fetched from its package")
            pnnx = pnnx_in(Path(scratch), packages)
            for one, path in zip(wanted, paths, strict=True):
                write_for_ncnn(path, one.shape, pnnx)
                console.print(f"{one.name} -> {path.with_suffix('.ncnn.*')}")
    except (PullError, VisionError, KeyError, OSError) as error:
        sys.exit(str(error.args[0]) if isinstance(error, KeyError) else str(error))


@app.command(name="list")
def list_(*, folder: Path | None = None, json: Json = False) -> None:
    """Show which weights there are, their sources and licences, and which are here.

    Args:
        folder: Where they are kept; the user's cache, if not said.
        json: Print one JSON array.
    """
    from models.vision.catalogue import WEIGHTS
    from models.vision.network import beside
    from models.vision.store import held

    rows: list[dict[str, str]] = []
    for one in WEIGHTS:
        package = f"{one.package.client}: {one.package.name} {one.package.version}"
        here = held(_folder(folder), one)
        converted = all(path.is_file() for path in beside(_folder(folder) / one.file))
        ncnn = "converted" if converted else "can be" if one.shape else "no"
        rows.append(
            {"name": one.name, "here": here, "ncnn": ncnn, "for": one.about, "package": package,
             "licence": one.licence, "sha256": one.sha256}
        )  # fmt: skip
    if json:
        showing.write_json(rows)
        return
    table = Table(*rows[0], title=str(_folder(folder)))
    for row in rows:
        table.add_row(*(row | {"sha256": row["sha256"][:12]}).values())
    showing.console().print(table)


@app.command
def verify(*, folder: Path | None = None, json: Json = False) -> None:
    """Check the hash of every file of weights; exit with 1 unless all are there and good.

    Args:
        folder: Where they are kept; the user's cache, if not said.
        json: Print one JSON object, name and how it is.
    """
    from models.vision.catalogue import WEIGHTS
    from models.vision.store import Held, held

    found = {one.name: held(_folder(folder), one) for one in WEIGHTS}
    if json:
        showing.write_json(found)
    else:
        for name, here in found.items():
            print(f"{name}: {here}")  # noqa: T201  # what was asked for
    sys.exit(any(here is not Held.GOOD for here in found.values()))


@app.command
def train(
    name: str | None = None,
    *,
    every: Annotated[bool, Parameter(name="--all", negative=())] = False,
    out: Path = Path("run/trained"),
    data: Path | None = None,
) -> None:
    """Train again what ships trained, and hold its scores against its card; exit with 1 if off.

    Args:
        name: fall, rhythm, highrise or yards.
        every: All of them, one after the other.
        out: Folder for the trained files; those that ship stay as they are.
        data: Folder of recordings, with falls/ and vitals/; WEINAO_DATA, if not said.
    """
    from weinao.cli.training import TRAINED

    chosen = list(TRAINED) if every else [name or ""]
    if unknown := [one for one in chosen if one not in TRAINED]:
        sys.exit(
            f"{unknown[0] or 'nothing'}: no trained file; known are {', '.join(TRAINED)}, --all"
        )
    recordings = data or Path(os.environ.get("WEINAO_DATA", "data"))
    out.mkdir(parents=True, exist_ok=True)
    sys.exit(any([_again(one, recordings, out) for one in chosen]))  # noqa: C419  # all of them


def _again(name: str, data: Path, out: Path) -> bool:
    """Train one, print its scores beside its card's, and return whether any of them is off."""
    from weinao.cli.training import NOISE, TRAINED

    trained, console = TRAINED[name], showing.console(stderr=True)
    try:
        with console.status(name) as status, legible(data, f"models train {name}"):
            found = trained.make(data, out, status.update)
    except (ImportError, FileNotFoundError) as error:
        console.print(f"{name}: not trained: {error}", markup=False)
        return True
    table = Table("figure", "here", "card", title=f"{name}: {', '.join(trained.files)} in {out}")
    off = False
    carded = trained.carded()
    for figure in dict.fromkeys([*carded, *found]):
        here = found.get(figure, float("nan"))
        if figure not in carded:
            table.add_row(figure, f"{here:.3f}", "")
            continue
        says = carded[figure]
        apart = not abs(here - says) <= NOISE * max(1.0, abs(says))
        off |= apart
        table.add_row(figure, f"{here:.3f}", f"{says:g}", style="bold red" if apart else "")
    showing.console().print(table)
    for file in trained.files:
        console.print(f"{file}: {_compared(out / file, file)}")
    return off


def _compared(path: Path, file: str) -> str:
    from importlib.resources import files

    ships = files("models") / "weights" / file
    if not ships.is_file():
        return "none ships"
    same = ships.read_bytes() == path.read_bytes()
    return "byte by byte the one that ships" if same else "not byte by byte the one that ships"


def _folder(chosen: Path | None) -> Path:
    from models.vision.store import default_folder

    return chosen or default_folder(os.environ)
