"""`weinao schema`: write the contract's documents."""

from pathlib import Path

from weinao import schema as contract
from weinao.cli.folders import whole


def schema(*, out: Path = Path("docs")) -> None:
    """Write JSON Schema and AsyncAPI of all messages.

    Args:
        out: The folder they are written to.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, made in (("messages", contract.json_schema()), ("asyncapi", contract.asyncapi())):
        path = out / f"{name}.json"
        with whole(path) as draft:
            draft.write_text(contract.document(made), encoding="utf-8")
        print(path)  # noqa: T201  # what a person asked for
