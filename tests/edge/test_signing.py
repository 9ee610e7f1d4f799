"""A device's secret is made once, whole, for its own user's eyes, and never taken for granted."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from edge.perception.signing import KEY_BYTES, device_key, hmac_signer


def test_a_secret_is_made_once_and_kept(tmp_path):
    file = tmp_path / "own" / "evidence.key"

    key = device_key(file)

    assert len(key) == KEY_BYTES
    assert device_key(file) == key
    assert file.stat().st_mode & 0o777 == 0o600
    assert [*file.parent.iterdir()] == [file]


def test_cameras_that_start_together_sign_with_one_secret(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = [*pool.map(device_key, [tmp_path / "evidence.key"] * 32)]

    assert len({*keys}) == 1
    assert [*tmp_path.iterdir()] == [tmp_path / "evidence.key"]


@pytest.mark.parametrize("left", [b"", b"short"])
def test_half_a_secret_is_none(tmp_path, left):
    file = tmp_path / "evidence.key"
    file.write_bytes(left)

    with pytest.raises(OSError, match="expected a secret of 32 bytes"):
        device_key(file)


def test_only_who_has_the_secret_signs_alike():
    assert hmac_signer(b"a" * 32)(b"told") == hmac_signer(b"a" * 32)(b"told")
    assert hmac_signer(b"a" * 32)(b"told") != hmac_signer(b"b" * 32)(b"told")
