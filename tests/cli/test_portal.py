"""`weinao portal`: what its commands print can be used."""

from pathlib import Path

import pytest

from portal.links import LinkRefusedError
from weinao.cli import up
from weinao.cli.portal import chosen_settings, desk_of, invite, link
from weinao.clock import now_ms


def test_an_invitation_lets_its_person_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    invite("operator", "operator-1", data=tmp_path, url="https://portal.example")

    url, _, key = capsys.readouterr().out.strip().rpartition("/join/")
    desk = desk_of(tmp_path, chosen_settings(None, "demo", None))
    found = desk.accounts.invitation(key, now_ms())
    assert (url, found.role, found.person) == (
        "https://portal.example", "operator", "operator-1",
    )  # fmt: skip
    assert [one.action for one in desk.audit.newest()] == ["account.invited"]
    desk.book.close()


def test_a_link_answers_its_incident_and_no_other_portal_takes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()

    link("i-1", "daughter-1", data=tmp_path / "a")

    text = capsys.readouterr().out.strip().rpartition("/a/")[2]
    ours, other = (
        desk_of(tmp_path / name, chosen_settings(None, "demo", None)) for name in ("a", "b")
    )
    found = ours.links.read(text, now_ms())
    assert (found.incident, found.actor) == ("i-1", "daughter-1")
    with pytest.raises(LinkRefusedError):
        other.links.read(text, now_ms())
    for desk in (ours, other):
        desk.book.close()


def test_mistakes_end_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="expected a role of family"):
        invite("king", "x", data=tmp_path)
    with pytest.raises(SystemExit, match=r"portal invite: .*nowhere: no system there"):
        invite("operator", "x", data=tmp_path / "nowhere")
    with pytest.raises(SystemExit, match=r"portal link: .*nowhere: no system there"):
        link("i-1", "x", data=tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(SystemExit, match="community: missing"):
        chosen_settings(None, None, None)


def test_the_portal_is_part_of_the_system_where_it_is_installed(tmp_path: Path) -> None:
    assert up.has_portal()
    chosen = chosen_settings(None, "demo", "broker.example:8883", 9_000)

    assert (chosen.broker.host, chosen.broker.port) == ("broker.example", 8883)
    assert chosen.web.url == "http://127.0.0.1:9000"
    assert not (tmp_path / "portal").exists()


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, chosen_settings(None, "demo", None))

    folder = tmp_path / "portal"
    assert (folder / "secret").stat().st_mode & 0o777 == 0o600
    assert (folder / "portal.sqlite").stat().st_mode & 0o777 == 0o600
    assert (folder / "photos").stat().st_mode & 0o777 == 0o700
    desk.book.close()
