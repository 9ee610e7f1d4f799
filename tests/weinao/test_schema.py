"""The contract's documents are those the code makes."""

from tests.conftest import ROOT
from weinao import schema


def test_the_documents_in_docs_are_what_the_code_makes() -> None:
    for name, made in (("messages", schema.json_schema()), ("asyncapi", schema.asyncapi())):
        written = (ROOT / "docs" / f"{name}.json").read_text(encoding="utf-8")
        assert written == schema.document(made), "run `weinao schema`"
