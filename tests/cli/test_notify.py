"""`weinao notify test` says how each channel ended; `ledger` shows what was told to whom."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from sinks.book import Book
from sinks.ledger import MIGRATIONS, Ledger
from tests.sinks.made import notice
from tests.sinks.provider import provider, settings

ROOT = Path(__file__).parents[2]


def weinao(*arguments: str, secret: str = "s3cr3t") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "weinao.cli.main", "notify", *arguments],
        cwd=ROOT, capture_output=True, env={"PROVIDER_SECRET": secret, "LANG": "C.UTF-8"},
        check=False,
    )  # fmt: skip


def test_each_channel_is_tried_once_and_the_exit_code_says_whether_all_worked(
    tmp_path: Path,
) -> None:
    with provider() as plays:
        chosen = tmp_path / "notify.toml"
        chosen.write_text(settings(plays.port, try_s_max=10.0))
        mixed = weinao(
            "test", "works:13900000001", "fails:b", "unknown:c", "--settings", str(chosen), "--json"
        )
        good = weinao("test", "works:d", "--settings", str(chosen), "--lang", "en")

    assert mixed.returncode == 1
    assert msgspec.json.decode(mixed.stdout) == [
        {"channel": "works", "result": "sent", "detail": ""},
        {"channel": "fails", "result": "refused", "detail": "http_500"},
        {"channel": "unknown", "result": "nowhere", "detail": "no_channel"},
    ]
    assert (good.returncode, good.stdout.decode().strip()) == (0, "works: taken by the channel")
    assert plays.asked_for("works/13900000001") == 1
    for shown in (mixed.stdout, mixed.stderr):
        assert b"s3cr3t" not in shown
        assert b"13900000001" not in shown


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", ("通知台账", "渠道已接收")), ("en", ("Ledger", "taken by"))]
)
def test_the_ledger_is_told_in_both_languages(
    tmp_path: Path, lang: str, words: tuple[str, ...]
) -> None:
    book = Book(tmp_path / "notify" / "notify.sqlite", MIGRATIONS)
    kept = Ledger(book)
    kept.take("grid-1", replace(notice(1), channels=("sms:13900000001",)), 0)
    kept.end("n-1", kept.begin("n-1", "sms", 1), ("sent", ""), 2)
    kept.done("n-1", "sent", "sms", "", 3)
    book.close()

    shown = weinao("ledger", "--data", str(tmp_path), "--lang", lang).stdout.decode()

    for said in (*words, "daughter-1", "sms", "i-1"):
        assert said in shown, shown
    assert "13900000001" not in shown


def test_without_a_ledger_or_a_secret_it_says_what_to_do(tmp_path: Path) -> None:
    chosen = tmp_path / "notify.toml"
    chosen.write_text(settings(1))

    lost = weinao("ledger", "--data", str(tmp_path))
    unset = weinao("test", "works:a", "--settings", str(chosen), secret="")

    assert b"no ledger at" in lost.stderr
    assert b"PROVIDER_SECRET is not set" in unset.stderr
    assert (lost.returncode, unset.returncode) == (1, 1)
