"""What the documents name is there: files that they link to, tests and benchmarks they cite."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"),
     *(ROOT / "models" / "cards").glob("*.md")]
)  # fmt: skip


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)", text)

    assert [one for one in targets if not (document.parent / one).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_programs_that_are_cited_are_there(document: Path) -> None:
    cited = re.findall(r"\b(?:tests|benchmarks)/[\w/]+\.py", document.read_text(encoding="utf-8"))

    assert [one for one in cited if not (ROOT / one).exists()] == []
