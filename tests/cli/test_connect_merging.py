"""Putting an entry into a host's file: nothing else changes, twice is once, and what is unsafe is refused."""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.cli.hosting.hosts import Entry, Host, Reached, Started, entry_for, hosts
from ferce_agent.cli.hosting.json_text import covered, parse_json
from ferce_agent.cli.hosting.merging import merged, snippet, write_into
from ferce_agent.cli.hosting.toml_text import toml_key, toml_value
from ferce_agent.cli.hosting.yaml_text import parse_yaml
from ferce_agent.errors import SettingsError

HOSTS = hosts()
STARTED = Started("/opt/py thon", ("-m", "ferce_agent", "mcp", "--root", 'C:\\photos "of" ü'))
CURSOR, CODEX, GOOSE, CONTINUE = (HOSTS[name] for name in ("cursor", "codex", "goose", "continue"))


def read(host: Host, text: str) -> Any:
    readers: dict[str, Callable[[str], Any]] = {"json": parse_json, "toml": tomllib.loads, "yaml": parse_yaml}
    return readers[host.format](text)


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def put(host: Host, text: str, entry: Entry | None = None) -> str:
    return merged(text, host, entry or entry_for(host, STARTED))


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_an_empty_file_gets_what_the_command_prints_and_stays_so(host: Host) -> None:
    text = put(host, "")
    assert text == host.head + snippet(host, entry_for(host, STARTED))
    assert read(host, text)
    assert put(host, text) == text


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_another_server_stays_and_ours_is_brought_up_to_date(host: Host) -> None:
    entry = entry_for(host, STARTED)
    other = snippet(host, {**entry, **({"name": "other"} if "name" in entry else {})}, "other")
    text = put(host, other)
    assert len(read(host, text)) == 1, "no second place for servers"
    newer = entry_for(host, Started("/new/python", ("-m", "ferce_agent", "mcp")))
    changed = put(host, text, newer)
    assert "/new/python" in changed
    assert changed.count("of") == 1, "the other server is as it was, ours is not there twice"
    assert put(host, changed, newer) == changed


def test_comments_and_final_commas_of_json_stay() -> None:
    text = '{\n  // mine: "a"\n  "mcpServers": {\n    "x": {"url": "http://x/*no*/"}, /* last */\n  },\n}\n'
    out = put(CURSOR, text)
    assert out.startswith(text[: text.index("\n  },")])
    assert set(parse_json(out)["mcpServers"]) == {"x", "ferce-agent"}
    assert put(CURSOR, out) == out


def test_json_keeps_its_indentation_and_its_line_ends() -> None:
    out = put(CURSOR, '{\r\n\t"theme": "dark"\r\n}\r\n')
    assert out.startswith('{\r\n\t"theme": "dark",\r\n\t"mcpServers": {\r\n')
    assert "\n" not in out.replace("\r\n", "")
    assert out.endswith("\r\n}\r\n")


def test_what_a_user_added_to_our_entry_stays_and_the_other_transport_goes() -> None:
    text = put(CURSOR, "").replace('"args"', '"env": {"A": "1"},\n      "args"')
    ours = parse_json(put(CURSOR, text, entry_for(CURSOR, Reached("http://127.0.0.1:8000/mcp"))))["mcpServers"]
    assert ours == {"ferce-agent": {"env": {"A": "1"}, "url": "http://127.0.0.1:8000/mcp"}}


def test_comments_of_toml_and_a_table_below_ours_stay() -> None:
    text = '# top\nmodel = "x"  # why\n\n[mcp_servers.ferce-agent]\ncommand = "old"\n\n'
    text += '[mcp_servers.ferce-agent.env]\nA = "1"\n\n[tools]\n# c\nweb = true\n'
    out = put(CODEX, text)
    assert tomllib.loads(out)["mcp_servers"]["ferce-agent"] == {**entry_for(CODEX, STARTED), "env": {"A": "1"}}
    for line in text.splitlines():
        assert line in out.splitlines() or "old" in line
    assert put(CODEX, out) == out


def test_comments_of_yaml_stay_beside_what_they_explain() -> None:
    text = "# top\nextensions:  # all\n  # tools\n  developer:\n    type: builtin\n# end\nGOOSE_MODE: auto\n"
    out = put(GOOSE, text)
    head, _, tail = out.partition("  ferce-agent:\n")
    assert head == "# top\nextensions:  # all\n"
    assert tail.endswith("  # tools\n  developer:\n    type: builtin\n# end\nGOOSE_MODE: auto\n")
    listed = "name: a\nmcpServers:\n  - name: other  # mine\n    command: x\nrules: []\n"
    out = put(CONTINUE, listed)
    assert [one["name"] for one in yaml.safe_load(out)["mcpServers"]] == ["ferce-agent", "other"]
    assert put(CONTINUE, out) == out


@pytest.mark.parametrize("empty", ["", " {}", " ~", " null", "  # none", " {}  # none"])
def test_an_empty_place_in_yaml_is_filled(empty: str) -> None:
    out = put(GOOSE, f"a: 1\nextensions:{empty}\nb: 2\n")
    assert yaml.safe_load(out) == {"a": 1, "b": 2, "extensions": {"ferce-agent": entry_for(GOOSE, STARTED)}}
    assert out.count("# none") == empty.count("# none")


@pytest.mark.parametrize(
    ("host", "text", "said"),
    [
        (CURSOR, "{", "no JSON"),
        (CURSOR, "[]", "no table"),
        (CURSOR, '{"a": 1, "a": 2}', "twice"),
        (CURSOR, '{"a": NaN}', "NaN"),
        (CURSOR, '{"mcpServers": []} x', "no JSON"),
        (CURSOR, '{"mcpServers": [1]}', "does not hold servers"),
        (CURSOR, '{"mcpServers": {"ferce-agent": 5}}', "no server"),
        (CURSOR, '{"mcpServers": {"ferce-agent": {"url": "x" /* keep */}}}', "comment"),
        (CURSOR, "[" * 100_000, "no JSON"),
        (CODEX, "a = ", "no TOML"),
        (CODEX, "mcp_servers = { x = { command = 'y' } }", "safely"),
        (CODEX, "mcp_servers.ferce-agent.command = 'y'", "header"),
        (CODEX, "[mcp_servers.ferce-agent]\n# keep\ncommand = 'y'", "comment"),
        (GOOSE, "a: [", "no YAML"),
        (GOOSE, "a: 1\na: 2", "twice"),
        (GOOSE, "--- 1\n--- 2", "no YAML"),
        (GOOSE, "a: !!python/object:os.system x", "no YAML"),
        (GOOSE, "extensions: {developer: {type: builtin}}", "one line"),
        (GOOSE, "extensions: 5", "does not hold servers"),
        (GOOSE, "extensions:\n  ferce-agent:\n    type: stdio # keep\n", "comment"),
        (GOOSE, "{a: 1}", "safely"),
        (GOOSE, "a: 1\n...\n", "safely"),
        (CONTINUE, "mcpServers:\n  - 5\n", "does not hold servers"),
        (CONTINUE, "mcpServers:\n  - name: ferce-agent\n  - name: ferce-agent\n", "several"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused_and_stays(host: Host, text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=said) as caught:
        write_into(file, host, entry_for(host, STARTED))
    assert caught.value.hint
    assert file.read_text("utf-8") == text
    assert names_in(tmp_path) == ["file"]


def test_a_backup_is_kept_with_the_rights_of_the_file_and_none_is_overwritten(tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    real.write_text('\ufeff{"a": 1}', "utf-8")
    real.chmod(0o600)
    link = tmp_path / "link.json"
    link.symlink_to(real)
    first = write_into(link, CURSOR, entry_for(CURSOR, STARTED))
    assert first.backup is not None
    assert first.backup.read_bytes() == b'\xef\xbb\xbf{"a": 1}'
    assert stat.S_IMODE(first.backup.stat().st_mode) == stat.S_IMODE(real.stat().st_mode) == 0o600
    assert link.is_symlink()
    assert real.read_bytes().startswith(b"\xef\xbb\xbf{")
    assert not write_into(link, CURSOR, entry_for(CURSOR, STARTED)).changed
    second = write_into(link, CURSOR, entry_for(CURSOR, Started("/x", ())))
    assert second.backup is not None
    assert second.backup != first.backup
    assert len(names_in(tmp_path)) == 4


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b'{"a": "\xe9"}')
    for file in (tmp_path / "latin", tmp_path, tmp_path / "latin" / "below"):
        with pytest.raises(SettingsError):
            write_into(file, CURSOR, entry_for(CURSOR, STARTED))
    assert names_in(tmp_path) == ["latin"]


LEAF = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=12)
KEYS = st.sampled_from(
    ["mcpServers", "mcp", "servers", "a", "extensions", "ferce-agent", "// x", "#", "x,}"]
) | st.text(min_size=1, max_size=6)
DATA = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
TABLE = st.dictionaries(KEYS, DATA, max_size=5)


def without_ours(data: Any, host: Host) -> Any:
    """Return data without our entry, and without what was empty on the way to it."""
    place, ways = data, []
    for key in host.path:
        ways.append((place, key))
        place = place.get(key) or {}
    if host.items:
        servers = [one for one in place if one.get(host.items) != "ferce-agent"] if place else []
        ways[-1][0][host.path[-1]] = servers
        place = servers
    else:
        place.pop("ferce-agent", None)
    for holder, key in reversed(ways):
        if not holder.get(key):
            holder.pop(key, None)
    return data


def check(host: Host, text: str, data: dict[str, Any], *, usual: bool = True) -> None:
    """Merge, or be refused; in the first case all else is as before and a second time changes nothing.

    What is written in the usual way is only refused for what it holds.
    """
    try:
        out = put(host, text)
    except SettingsError as error:
        assert not usual or any(
            word in error.message for word in ("does not hold", "no JSON object", "no server", "comment", "several")
        )
        return
    assert without_ours(read(host, out), host) == without_ours(data, host)
    assert put(host, out) == out


@given(TABLE, st.sampled_from([None, 1, 2, "\t"]), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_json_of_any_form_keeps_all_else(data: dict[str, Any], indent: Any, comments: bool, ascii_only: bool) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=ascii_only)
    if comments and indent:
        text = "// a {\n" + "\n".join(f"{line} // [,]" for line in text.split("\n"))
    for name in ("cursor", "opencode-2"):
        check(HOSTS[name], text, json.loads(json.dumps(data)))


@given(st.text(alphabet='{}[]",:/* \n\\a1', max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_merged_or_refused(text: str) -> None:
    assert len(covered(text)) == len(text)
    for host in (CURSOR, CODEX, GOOSE, CONTINUE):
        try:
            assert "ferce-agent" in put(host, text)
        except SettingsError as error:
            assert error.message


@given(TABLE, st.sampled_from([2, 4]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_yaml_of_any_form_keeps_all_else(data: dict[str, Any], indent: int, flow: bool) -> None:
    text = yaml.safe_dump(data, indent=indent, default_flow_style=flow, allow_unicode=True)
    for host in (GOOSE, CONTINUE):
        check(host, text, yaml.safe_load(text) or {}, usual=bool(data) and not flow)


PLAIN = st.text(max_size=12) | st.booleans() | st.integers(-9, 9) | st.lists(st.text(max_size=4), max_size=3)
TABLES = st.dictionaries(st.text(max_size=6) | st.just("ferce-agent"), st.dictionaries(KEYS, PLAIN, max_size=3))


@given(st.dictionaries(KEYS, PLAIN, max_size=3), TABLES, TABLES)
@settings(max_examples=200, deadline=None)
def test_toml_of_any_form_keeps_all_else(top: dict[str, Any], servers: dict[str, Any], more: dict[str, Any]) -> None:
    lines = [f"{toml_key(key)} = {toml_value(value)}  # {toml_value(key)}" for key, value in top.items()]
    for holder, tables in (("mcp_servers", servers), ("tools-x", more)):
        for name, table in tables.items():
            lines.append(f"[{holder}.{toml_key(name)}]")
            lines += [f"{toml_key(key)} = {toml_value(value)}" for key, value in table.items()]
    text = "\n".join(lines)
    check(CODEX, text, tomllib.loads(text))
