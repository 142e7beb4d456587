from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.keeping.places import FOLDER, kept_folder, private_folder

posix = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


def test_the_folder_is_the_one_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "named"))
    assert kept_folder() == tmp_path / "named"
    assert kept_folder(tmp_path) == tmp_path
    monkeypatch.setenv(FOLDER, "  ")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert kept_folder().is_absolute()
    assert kept_folder().name == "kept"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(FOLDER, "here")
    assert kept_folder() == tmp_path / "here"
    assert not any(tmp_path.iterdir())  # looking makes nothing


@posix
def test_nobodys_home_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "~nobody-of-this-name/kept")
    with pytest.raises(SettingsError, match="cannot be found") as caught:
        kept_folder()
    assert FOLDER in str(caught.value.hint)


@posix
def test_a_new_folder_is_for_its_owner_only_and_one_that_others_may_write_into_is_refused(tmp_path: Path) -> None:
    made = private_folder(tmp_path / "one" / "two")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o755)
    assert private_folder(made) == made
    made.chmod(0o775)
    with pytest.raises(SettingsError, match="Other accounts may write") as caught:
        private_folder(made)
    assert "chmod go-w" in str(caught.value.hint)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be made"):
        private_folder(tmp_path / "file")
