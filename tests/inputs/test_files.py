"""Open files, folders, home folders and roots."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import pytest

from ferce_agent.cli.photos import open_photo, photo_names
from ferce_agent.errors import ImageAccessError, ImageFormatError, ImageNotFoundError, ImageTooLargeError
from ferce_agent.inputs import files
from ferce_agent.inputs.photo import ImageLimits, load_picture
from tests.inputs.test_photo import assert_drawn, saved


def test_open_files_are_read_from_their_beginning(tmp_path: Path) -> None:
    file = tmp_path / "p.png"
    file.write_bytes(saved("PNG"))
    with (
        file.open("rb") as plain,
        file.open("rb", buffering=0) as raw,
        tempfile.SpooledTemporaryFile() as spooled,
        tempfile.TemporaryFile() as temporary,
    ):
        for stream in (spooled, temporary):
            stream.write(saved("PNG"))
        for source in (io.BytesIO(saved("PNG")), plain, raw, spooled, temporary):
            for position in (0, 7, len(saved("PNG"))):
                source.seek(position)
                assert_drawn(load_picture(source).pixels)
                assert source.tell() == position
                assert not source.closed


def test_streams_that_cannot_be_wound_back() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as sink:
        sink.write(saved("PNG"))
    with os.fdopen(read, "rb") as source:
        assert_drawn(load_picture(source).pixels)


class Upload:
    """As web frameworks hand uploads over: read() is to be awaited, the file is inside."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)

    async def read(self) -> bytes:
        return self.file.read()


class Failing(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        raise OSError(5, "broken")


def test_uploads_are_read() -> None:
    assert_drawn(load_picture(Upload(saved("PNG"))).pixels)  # type: ignore[arg-type]


def test_files_that_cannot_be_read_are_typed_errors(tmp_path: Path) -> None:
    closed = io.BytesIO(saved("PNG"))
    closed.close()
    write_only = (tmp_path / "w").open("wb")
    asynchronous = Upload(b"")
    asynchronous.file = None  # type: ignore[assignment]
    for source in (closed, write_only, Failing(), asynchronous):
        with pytest.raises(ImageAccessError) as caught:
            load_picture(source)  # type: ignore[arg-type]
        assert caught.value.hint
    write_only.close()
    with pytest.raises(ImageFormatError, match="binary"):
        load_picture(io.StringIO("text"))  # type: ignore[arg-type]
    with pytest.raises(ImageFormatError, match="empty"):
        load_picture(io.BytesIO())
    with pytest.raises(ImageTooLargeError):
        load_picture(io.BytesIO(bytes(3_000_000)), limits=ImageLimits(max_bytes=1000))


def test_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "p.png").write_bytes(saved("PNG"))
    assert_drawn(load_picture("~/p.png").pixels)
    assert_drawn(load_picture(Path("~/p.png")).pixels)
    assert_drawn(load_picture("~/p.png", roots=(tmp_path,)).pixels)
    with pytest.raises(ImageNotFoundError):
        load_picture("~no-such-user-here/p.png")


def test_a_folder_says_how_to_read_all_photos(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError, match=r"folder.*loop"):
        load_picture(tmp_path)


def test_every_root_is_looked_at(tmp_path: Path) -> None:
    first, second, outside = tmp_path / "first", tmp_path / "second", tmp_path / "outside"
    for folder in (first, second, outside):
        folder.mkdir()
    (second / "in_second.png").write_bytes(saved("PNG"))
    (outside / "secret.png").write_bytes(saved("PNG"))
    (second / "link.png").symlink_to(outside / "secret.png")
    (second / "dangling.png").symlink_to(outside / "none.png")
    (first / "around.png").symlink_to("around.png")
    for roots in (
        (first, second),
        (tmp_path / "missing", second),
        (second, tmp_path / "missing"),
        (tmp_path / "p", second),
    ):
        assert load_picture("in_second.png", roots=roots).width == 40
        assert load_picture(second / "in_second.png", roots=roots).width == 40
        denied = [
            "../outside/secret.png",
            "../outside/none.png",
            "link.png",
            "dangling.png",
            "/etc/passwd",
            "/etc/none",
        ]
        told = set()
        for name in denied:
            with pytest.raises((ImageAccessError, ImageNotFoundError)) as caught:
                load_picture(name, roots=roots)
            assert str(tmp_path) not in str(caught.value)
            told.add((type(caught.value), caught.value.hint) if name.startswith(("/", "..")) else ImageAccessError)
        # The same words for what exists outside and what does not.
        assert len({item for item in told if isinstance(item, tuple)}) == 1
    with pytest.raises(ImageNotFoundError, match="1 of 2 allowed folders"):
        load_picture("none.png", roots=(tmp_path / "missing", second))
    with pytest.raises((ImageAccessError, ImageNotFoundError)):
        load_picture("around.png", roots=(first,))


def test_no_flag_is_needed_that_windows_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import importlib

    (tmp_path / "p.png").write_bytes(saved("PNG"))
    for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOFOLLOW"):
        monkeypatch.delattr(os, name)
    importlib.reload(files)
    try:
        assert files.read_file("p.png", ImageLimits(), (tmp_path,)) == saved("PNG")
    finally:
        monkeypatch.undo()
        importlib.reload(files)


def test_folders_of_the_command_line(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(saved("PNG"))
    (tmp_path / "sub").mkdir()
    names = photo_names(["x.png", str(tmp_path), "-", "data:,x"])
    assert names == ["x.png", str(tmp_path / "a.png"), str(tmp_path / "b.JPG"), "-", "data:,x"]
    assert photo_names([str(tmp_path / "sub")]) == [str(tmp_path / "sub")]
    with pytest.raises(ImageNotFoundError, match="no photo"):
        open_photo(str(tmp_path / "sub"))


@pytest.mark.parametrize("state", ["empty", "closed", "none", "terminal"])
def test_standard_input_without_a_photo(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    if state == "closed":
        stream.close()
    if state == "terminal":
        stream.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", None if state == "none" else stream)
    with pytest.raises((ImageAccessError, ImageFormatError), match="Standard input"):
        open_photo("-")


def test_photo_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(saved("PNG"))))
    assert_drawn(open_photo("-").pixels)


def test_addresses_need_the_switch() -> None:
    with pytest.raises(ImageAccessError, match="--url"):
        open_photo("https://example.org/a.jpg")
