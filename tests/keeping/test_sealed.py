from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.keeping import sealed
from ferce_agent.keeping.sealed import KEY_FILE, PASSPHRASE, SALT_FILE, Seal, delete_keys, seal_of, sealed_with


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passphrases cost less than in use, and none comes from the account that runs the tests."""
    monkeypatch.setattr(sealed, "COST", 2**4)
    monkeypatch.delenv(PASSPHRASE, raising=False)


@settings(max_examples=20)
@given(st.binary(max_size=200))
def test_what_is_sealed_comes_back_and_cannot_be_read(plain: bytes) -> None:
    seal = Seal(b"k" * 32)
    closed = seal.close(plain)
    assert seal.open(closed) == plain
    assert len(plain) < 4 or plain not in closed
    assert seal.close(plain) != closed  # never twice the same


@settings(max_examples=30)
@given(st.data())
def test_any_change_of_a_sealed_file_is_found(data: st.DataObject) -> None:
    closed = Seal(b"k" * 32).close(b"a face at rest")
    at = data.draw(st.integers(0, len(closed) - 1))
    changed = closed[:at] + bytes([closed[at] ^ data.draw(st.integers(1, 255))]) + closed[at + 1 :]
    with pytest.raises(DataError):
        Seal(b"k" * 32).open(changed)
    with pytest.raises(DataError):
        Seal(b"k" * 32).open(closed[:at])


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    closed = seal_of(tmp_path).close(b"rest")
    assert sealed_with(closed[:64]) == "key"
    assert seal_of(tmp_path).open(closed) == b"rest"
    assert len((tmp_path / KEY_FILE).read_bytes()) == 32
    assert (tmp_path / KEY_FILE).read_bytes() not in closed


def test_a_passphrase_leaves_no_key_behind(tmp_path: Path) -> None:
    closed = seal_of(tmp_path, passphrase="pässphrase").close(b"rest")
    assert sealed_with(closed) == "passphrase"
    assert [one.name for one in tmp_path.iterdir()] == [SALT_FILE]
    assert seal_of(tmp_path, environment={PASSPHRASE: "pa\u0308ssphrase"}).open(closed) == b"rest"  # as macOS writes it
    with pytest.raises(SettingsError, match="not the one with which"):
        seal_of(tmp_path, passphrase="passphrase")
    with pytest.raises(SettingsError, match="empty"):
        seal_of(tmp_path, passphrase=" ")
    with pytest.raises(SettingsError, match="empty"):
        seal_of(tmp_path, environment={PASSPHRASE: ""})


def test_what_a_key_file_sealed_opens_after_a_passphrase_came(tmp_path: Path) -> None:
    by_key = seal_of(tmp_path).close(b"old")
    later = seal_of(tmp_path, passphrase="later")
    assert later.open(by_key) == b"old"
    assert sealed_with(later.close(b"new")) == "passphrase"


def test_why_something_cannot_be_opened(tmp_path: Path) -> None:
    by_key, by_words = seal_of(tmp_path).close(b"rest"), seal_of(tmp_path, passphrase="words").close(b"rest")
    with pytest.raises(DataError, match="with a passphrase, and none is given") as caught:
        seal_of(tmp_path).open(by_words)
    assert PASSPHRASE in str(caught.value.hint)
    with pytest.raises(DataError, match="no sealed file, or it is damaged"):
        seal_of(tmp_path).open(b"{}")
    with pytest.raises(DataError, match="file is damaged"):
        seal_of(tmp_path).open(by_key[:-5])
    (tmp_path / KEY_FILE).rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"key, with which this was sealed, is gone"):
        seal_of(tmp_path, make=False).open(by_key)
    assert not (tmp_path / KEY_FILE).exists()
    seal_of(tmp_path)  # a new key
    with pytest.raises(DataError, match="is another one now"):
        seal_of(tmp_path).open(by_key)
    (tmp_path / SALT_FILE).unlink()
    with pytest.raises(DataError, match=r"salt, with which this was sealed, is gone"):
        seal_of(tmp_path, passphrase="words", make=False).open(by_words)


def test_a_key_file_that_was_cut_short_seals_nothing(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(SettingsError, match="key is damaged"):
        seal_of(tmp_path)
    (tmp_path / SALT_FILE).write_bytes(b"short")
    with pytest.raises(SettingsError, match="salt is damaged"):
        seal_of(tmp_path, passphrase="words")


def test_processes_that_begin_at_once_share_one_key(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ferce_agent.keeping.sealed import seal_of\n"
        "sys.stdin.read(); sys.stdout.buffer.write(seal_of(Path(sys.argv[1])).close(b'rest'))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
    for one in running:  # they have read their programs, and wait
        assert one.stdin is not None
        one.stdin.close()
        one.stdin = None
    for one in running:
        closed, _ = one.communicate(timeout=60)
        assert one.returncode == 0
        assert seal_of(tmp_path).open(closed) == b"rest"


@pytest.mark.parametrize(("passphrase", "file"), [(None, KEY_FILE), ("correct horse", SALT_FILE)])
def test_no_new_key_is_made_in_place_of_one_that_is_gone(tmp_path: Path, passphrase: str | None, file: str) -> None:
    kept = tmp_path / "sessions" / "one"
    kept.parent.mkdir()
    kept.write_bytes(b"before" + seal_of(tmp_path, passphrase=passphrase, environment={}).close(b"a reading"))
    (tmp_path / file).rename(tmp_path / "put away")
    with pytest.raises(SettingsError, match="is gone"):
        seal_of(tmp_path, passphrase=passphrase, environment={})
    assert not (tmp_path / file).exists()
    kept.unlink()
    assert seal_of(tmp_path, passphrase=passphrase, environment={}).close(b"anew")


def test_keys_are_deleted_only_when_nothing_is_kept_any_more(tmp_path: Path) -> None:
    kept = tmp_path / "sessions" / "one"
    kept.parent.mkdir()
    kept.write_bytes(seal_of(tmp_path, environment={}).close(b"a reading"))
    with pytest.raises(SettingsError, match="still kept"):
        delete_keys(tmp_path)
    kept.unlink()
    assert delete_keys(tmp_path)
    assert not delete_keys(tmp_path)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_who_lost_the_passphrase_is_not_told_to_delete_what_a_key_file_sealed(tmp_path: Path) -> None:
    seal_of(tmp_path, passphrase="words")
    with pytest.raises(SettingsError) as caught:
        seal_of(tmp_path, passphrase="others")
    assert str(caught.value.hint).endswith(f"delete {tmp_path / SALT_FILE}.")
