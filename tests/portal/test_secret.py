"""The portal's own secrets: made once, whole, and never an empty one."""

from pathlib import Path

from portal.secret import kept_secret


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = kept_secret(tmp_path / "p" / "secret")

    assert kept_secret(tmp_path / "p" / "secret") == made
    assert (tmp_path / "p" / "secret").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in (tmp_path / "p").iterdir()] == ["secret"]


def test_an_empty_file_as_a_loss_of_power_leaves_it_lets_nobody_sign(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")

    made = kept_secret(tmp_path / "secret")

    assert len(made) > 40
    assert kept_secret(tmp_path / "secret") == made
