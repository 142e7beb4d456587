from __future__ import annotations

import unicodedata
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.cli.targets import plan_targets, stem_of, unique_stems
from ferce_agent.errors import SettingsError
from tests.cli.commands import ferce


def two_photos(folder: Path, photo: Path, first: str = "a/x.jpg", second: str = "b/x.jpg") -> tuple[Path, Path]:
    paths = folder / first, folder / second
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo.read_bytes())
    return paths


def test_two_photos_of_one_name_give_two_pages(photo: Path, tmp_path: Path) -> None:
    first, second = two_photos(tmp_path, photo)
    done = ferce(
        "analyze", first, second, "--html", tmp_path / "out/{stem}.html", "--emotionml", tmp_path / "out/{stem}.xml"
    )
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["a-x.html", "a-x.xml", "b-x.html", "b-x.xml"]


@pytest.mark.parametrize(
    ("photos", "stems"),
    [
        (["a/x.jpg", "b/x.jpg"], ["a-x", "b-x"]),
        (["a/x.jpg", "a/x.png"], ["x", "x-2"]),
        (["a/X.jpg", "b/x.jpg"], ["a-X", "b-x"]),
        (["a/x.jpg", "a/x.jpg", "a/x.jpg"], ["x", "x-2", "x-3"]),
        (["1/a/x.jpg", "2/a/x.jpg", "2/b/x.jpg"], ["a-x", "a-x-2", "b-x"]),
        (["a/x.jpg", "b/x.jpg", "a-x.jpg"], ["a-x-2", "b-x", "a-x"]),
        (["a/x.jpg", "b/y.jpg"], ["x", "y"]),
        (["caf\u00e9.jpg", "cafe\u0301.png"], ["caf\u00e9", "cafe\u0301-2"]),
        (["data:image/png;base64,aa", "data:image/png;base64,bb"], ["photo", "photo-2"]),
        (["https://example.org/a/x.jpg?size=1", "x.jpg"], None),
    ],
)
def test_names_are_told_apart(photos: list[str], stems: list[str] | None) -> None:
    found = unique_stems(photos)
    assert len({unicodedata.normalize("NFC", stem).casefold() for stem in found}) == len(photos)
    assert stems is None or sorted(found) == sorted(stems)
    assert unique_stems(photos) == found


@given(st.lists(st.text(min_size=1, max_size=200).filter(lambda name: "\x00" not in name), min_size=1, max_size=8))
def test_any_names_give_different_usable_ones(names: list[str]) -> None:
    stems = unique_stems(names)
    assert len({unicodedata.normalize("NFC", stem).casefold() for stem in stems}) == len(names)
    for stem in stems:
        assert stem and len(stem.encode("utf-8", "surrogatepass")) < 240
        assert not set(stem) & set('<>:"/\\|?*\n\x00') and stem not in {".", ".."}


def test_a_long_name_of_many_bytes_still_fits(tmp_path: Path) -> None:
    plan = plan_targets(["照" * 80 + ".jpg"], tmp_path / "{stem}.html", None, None)[0]
    assert plan.html is not None
    plan.html.write_text("x")
    assert stem_of("照" * 80 + ".jpg").startswith("照照")


@pytest.mark.parametrize(
    "options",
    [
        ["--html", "one.html"],
        ["--html", "{stem}.x", "--emotionml", "{stem}.x"],
        ["--html", "{stem}.x", "--emotionml", "{stem}.X"],
        ["--csv", "x.html", "--html", "x.html"],
        ["--html", "./a/../{stem}.out", "--emotionml", "{stem}.out"],
        ["--html", "a/{stem}.jpg"],
        ["--csv", "b/x.jpg"],
    ],
)
def test_collisions_are_refused_before_anything_is_read_or_written(
    options: list[str], photo: Path, tmp_path: Path
) -> None:
    first, second = two_photos(tmp_path, photo, "a/x.jpg", "b/x.jpg")
    if options == ["--html", "a/{stem}.jpg"]:
        second.unlink()
    before = sorted(tmp_path.rglob("*"))
    photos = [path for path in (first, second) if path.exists()]
    if len(photos) == 2 and options[0] == "--csv" and "--html" in options:
        photos = photos[:1]
    done = ferce("analyze", *photos, *options, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == b""
    assert sorted(tmp_path.rglob("*")) == before
    assert first.read_bytes() == photo.read_bytes()


def test_places_that_cannot_be_written_are_refused_before_anything_is_read(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "file" / "r.html", tmp_path / "folder", Path("n" * 300)):
        with pytest.raises(SettingsError, match="cannot be written"):
            plan_targets([str(photo)], target, None, None)
    done = ferce("analyze", photo, "--html", tmp_path / "file" / "deep" / "r.html")
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_device_may_be_named(photo: Path) -> None:
    done = ferce(
        "analyze", photo, photo, "--json", "--html", "/dev/null", "--emotionml", "/dev/null", "--csv", "/dev/null"
    )
    assert done.returncode == 2, "several photos need {stem}"
    assert ferce("analyze", photo, "--html", "/dev/null", "--emotionml", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()


def test_links_are_followed(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "link.html").symlink_to(photo)
    with pytest.raises(click.UsageError, match="is to be read"):
        plan_targets([str(photo)], tmp_path / "link.html", None, None)
