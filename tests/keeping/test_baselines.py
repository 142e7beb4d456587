from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ferce_agent.errors import DataError, FerceError, SettingsError
from ferce_agent.keeping import baselines, sealed
from ferce_agent.keeping.baselines import (
    check_free,
    checked_name,
    delete_baseline,
    list_baselines,
    load_baseline,
    save_baseline,
)
from ferce_agent.keeping.places import FOLDER
from ferce_agent.keeping.sealed import PASSPHRASE
from tests.baselines import make_baseline


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tests keep; passphrases cost less than in use."""
    monkeypatch.setattr(sealed, "COST", 2**4)
    monkeypatch.delenv(PASSPHRASE, raising=False)
    monkeypatch.setenv(FOLDER, str(tmp_path / "kept"))
    return tmp_path / "kept"


def files(place: Path) -> list[Path]:
    return sorted(one for one in place.rglob("*") if one.is_file())


def test_what_is_kept_comes_back_and_lies_sealed(place: Path) -> None:
    made = make_baseline()
    kept = save_baseline(made, " Ümit_1 ")
    assert (kept.name, kept.sealed) == ("ümit_1", "key")
    assert load_baseline("ÜMIT_1") == made == load_baseline("u\u0308mit_1")
    assert list_baselines() == (kept,)
    assert {one.name for one in files(place)} == {"key", "baseline-ümit_1.sealed"}
    for file in files(place):
        assert made.id.encode() not in file.read_bytes()
        if os.name == "posix":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_nothing_is_made_by_looking(place: Path) -> None:
    assert list_baselines() == ()
    check_free("anna")
    with pytest.raises(DataError, match="There is no baseline anna") as caught:
        load_baseline("anna")
    assert "ferce baseline build" in str(caught.value.hint)
    with pytest.raises(DataError, match="There is no baseline"):
        delete_baseline("anna")
    assert not place.exists()


def test_a_name_is_not_taken_twice_unless_that_is_wanted() -> None:
    save_baseline(make_baseline(readings=1), "anna")
    with pytest.raises(SettingsError, match="already"):
        save_baseline(make_baseline(readings=2), "Anna")
    with pytest.raises(SettingsError, match="already"):
        check_free("ANNA")
    assert load_baseline("anna").readings == 1
    save_baseline(make_baseline(readings=2), "anna", replace=True)
    assert load_baseline("anna").readings == 2


def test_of_many_at_once_one_takes_the_name(place: Path) -> None:
    def keep(number: int) -> bool:
        try:
            save_baseline(make_baseline(readings=number), "anna")
        except SettingsError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(keep, range(6)))
    assert made.count(True) == 1
    assert load_baseline("anna").readings == made.index(True)
    assert len(files(place)) == 2


def test_deleting_leaves_nothing_of_it(place: Path) -> None:
    save_baseline(make_baseline(), "anna")
    save_baseline(make_baseline(), "berta")
    delete_baseline("ANNA")
    assert [one.name for one in list_baselines()] == ["berta"]
    for missed in (delete_baseline, load_baseline):
        with pytest.raises(DataError, match="no baseline bert") as caught:
            missed("bert")
        assert "berta" not in str(caught.value)  # whoever asks need not know who else is kept


@pytest.mark.parametrize(
    "name", ["", " ", "-a", "_a", "a b", "a" * 41, "../a", "a.b", "a\x00", "*", "a:b", "~", None, 3]
)
def test_what_can_be_no_name(name: object) -> None:
    with pytest.raises(SettingsError, match="cannot be the name"):
        checked_name(name)  # type: ignore[arg-type]


def test_files_that_are_no_baselines_are_not_listed(place: Path) -> None:
    save_baseline(make_baseline(), "anna")
    folder = place / "baselines"
    (folder / "baseline-a b.sealed").touch()
    (folder / "baseline-folder.sealed").mkdir()
    (folder / "baseline-gone.sealed").symlink_to(place / "nowhere")
    (folder / ".baseline-anna.sealed.abcdefgh.part").touch()
    (folder / "baseline-other.sealed").write_bytes(b"something else")
    assert [(one.name, one.sealed) for one in list_baselines()] == [("anna", "key"), ("other", None)]
    with pytest.raises(DataError, match="other cannot be opened"):
        load_baseline("other")


def test_with_a_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "one")
    kept = save_baseline(make_baseline(), "anna")
    assert kept.sealed == "passphrase"
    assert load_baseline("anna") == make_baseline()
    monkeypatch.setenv(PASSPHRASE, "two")
    with pytest.raises(SettingsError, match="passphrase is not the one"):
        load_baseline("anna")
    with pytest.raises(SettingsError, match="passphrase is not the one"):
        save_baseline(make_baseline(), "berta")
    monkeypatch.delenv(PASSPHRASE)
    with pytest.raises(DataError, match=r"anna cannot be opened. This was sealed with a passphrase"):
        load_baseline("anna")
    assert [one.name for one in list_baselines()] == ["anna"]
    delete_baseline("anna")  # no passphrase is needed to delete


def test_a_plain_file_is_read_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "anna.JSON"
    file.write_text(make_baseline().model_dump_json(), encoding="utf-8")
    assert load_baseline(file) == load_baseline(str(file)) == make_baseline()
    monkeypatch.chdir(tmp_path)
    assert load_baseline("anna.JSON") == make_baseline()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert os.name != "posix" or load_baseline("~/anna.JSON") == make_baseline()


def test_what_a_plain_file_may_not_be(tmp_path: Path) -> None:
    told = make_baseline().model_dump(mode="json")
    wrong = {
        "newer": json.dumps({**told, "schema_version": "2.0"}).encode(),
        "strange": json.dumps({**told, "picture": "…"}).encode(),
        "half": json.dumps(told).encode()[:300],
        "binary": bytes(range(256)),
        "deep": b"[" * 100_000,
        "large": b" " * (baselines.MOST_BYTES + 1),
        "empty": b"",
    }
    for name, content in wrong.items():
        file = tmp_path / f"{name}.json"
        file.write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}\.json is no baseline") as caught:
            load_baseline(file)
        assert len(str(caught.value)) < 500
        assert str(tmp_path) not in str(caught.value)
    for given in (tmp_path, tmp_path / "none.json", "nul\x00.json", "~nobody-of-this-name/a.json"):
        with pytest.raises(DataError):
            load_baseline(given)
    for strange in (None, 3, b"anna"):
        with pytest.raises(FerceError, match="Baseline"):
            load_baseline(strange)  # type: ignore[arg-type]
