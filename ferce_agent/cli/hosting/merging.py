"""Putting our entry into a host's file: everything else in it stays as it is, or nothing is written.

The text is changed at one place. What came out is read again and compared with the data that was wanted; where they
differ, the file is refused.
"""

from __future__ import annotations

import contextlib
import copy
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ferce_agent.cli.hosting.hosts import NAME, Entry, Host
from ferce_agent.errors import SettingsError

LARGEST: Final = 8_000_000
"""Bytes of a configuration that is changed; none is larger by far."""
BY_HAND: Final = "Nothing was written; put the text that the command prints into it by hand."


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a file: whether it was changed, and where what it held before lies (None if it was not there)."""

    changed: bool
    backup: Path | None = None


def snippet(host: Host, entry: Entry, name: str = NAME) -> str:
    """Return the text that a host's file holds if our server is its only one; it ends with a line feed."""
    from ferce_agent.cli.hosting.json_text import json_text
    from ferce_agent.cli.hosting.toml_text import toml_text

    if host.format == "toml":
        return toml_text((*host.path, name), entry)
    data = _placed({}, host, name, entry)
    if host.format == "json":
        return json_text(data) + "\n"
    from ferce_agent.cli.hosting.yaml_text import yaml_text

    return yaml_text(data)


def merged(text: str, host: Host, entry: Entry, name: str = NAME) -> str:
    """Return the text of a host's file with our entry in it; the same text if it is there already.

    Keys that somebody added to our entry stay, except for those of the other way of reaching the server.

    Raises:
        SettingsError: The text cannot be read, or cannot be changed at one place only; the message says why.
    """
    data = _read(text, host)
    if data is None:
        return text + host.head + snippet(host, entry, name)
    if not isinstance(data, dict):
        raise SettingsError("It holds no table of settings.", hint=BY_HAND)
    old = _standing(data, host, name)
    wanted = entry if old is None else {k: v for k, v in old.items() if k in entry or k not in host.owned} | entry
    if old is not None and _same(old, wanted):
        return text
    changed = _changed(text, host, (name, wanted), there=old is not None)
    try:
        came_out = _read(changed, host)
    except SettingsError:
        came_out = None
    if not _same(came_out, _placed(copy.deepcopy(data), host, name, wanted)):
        raise SettingsError("It is written in a way that cannot be changed safely.", hint=BY_HAND)
    return changed


def write_into(file: Path, host: Host, entry: Entry, name: str = NAME) -> Written:
    """Put our entry into a host's file, whole or not at all; what it held before is kept beside it.

    Raises:
        SettingsError: The file cannot be read, changed or written; the message says why, and it is as it was.
    """
    from ferce_agent.views.saving import check_writable, write_whole

    check_writable(file)
    before = _bytes_of(file)
    try:
        text = (before or b"").decode("utf-8")
        mark = "\ufeff" if text.startswith("\ufeff") else ""
        after = mark + merged(text.removeprefix(mark), host, entry, name)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8 text.", hint=BY_HAND) from error
    except SettingsError as error:
        raise SettingsError(f"{file}: {error.message}", hint=error.hint or BY_HAND) from error
    if before is not None and after == text:
        return Written(changed=False)
    backup = None if before is None else _kept(file, before)
    try:
        write_whole(file, after)
    except BaseException:
        if backup is not None:
            backup.unlink(missing_ok=True)
        raise
    return Written(changed=True, backup=backup)


def _bytes_of(file: Path) -> bytes | None:
    """Return what a file holds; None if there is none."""
    try:
        if file.exists() and not file.is_file():
            raise SettingsError(f"{file} is not a plain file.", hint=BY_HAND)
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}.", hint=BY_HAND) from error
    if len(data) > LARGEST:
        raise SettingsError(f"{file} is too large for a configuration.", hint=BY_HAND)
    return data


def _kept(file: Path, data: bytes) -> Path:
    """Write what a file held beside it, readable by those who can read the file; older backups stay.

    Raises:
        SettingsError: It cannot be written.
    """
    real = Path(os.path.realpath(file))
    for number in range(1, 1000):
        backup = real.with_name(f"{real.name}.{number}.bak")
        with contextlib.suppress(FileExistsError):
            try:
                handle = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "wb") as stream:
                    stream.write(data)
                backup.chmod(real.stat().st_mode & 0o7777)
            except FileExistsError:
                raise
            except OSError as error:
                backup.unlink(missing_ok=True)
                raise SettingsError(f"{backup} cannot be written: {error.strerror}.", hint=BY_HAND) from error
            return backup
    raise SettingsError(f"There are too many backups of {file}.", hint="Delete those that are not needed.")


def _read(text: str, host: Host) -> Any:
    """Return the data of a host's file; None if it is empty.

    Raises:
        SettingsError: It cannot be read.
    """
    if not text.strip():
        return None
    try:
        if host.format == "toml":
            return tomllib.loads(text)
        if host.format == "json":
            from ferce_agent.cli.hosting.json_text import parse_json

            return parse_json(text)
        from ferce_agent.cli.hosting.yaml_text import parse_yaml

        return parse_yaml(text)
    except (ValueError, RecursionError) as error:
        shown = " ".join(str(error).split())[:200]
        raise SettingsError(f"It is no {host.format.upper()} that can be read: {shown}.", hint=BY_HAND) from error


def _standing(data: Mapping[str, Any], host: Host, name: str) -> Entry | None:
    """Return the entry of our name; None if there is none.

    Raises:
        SettingsError: What stands where servers or our entry should is something else.
    """
    place: Any = data
    for key in host.path:
        place = place.get(key)
        if place is None or place in ({}, []):
            return None
        if not isinstance(place, list if host.items else dict):
            raise SettingsError(f"'{key}' does not hold servers.", hint=BY_HAND)
    if host.items:
        if not all(isinstance(one, dict) for one in place):
            raise SettingsError(f"'{host.path[-1]}' does not hold servers.", hint=BY_HAND)
        ours = [one for one in place if one.get(host.items) == name]
        if len(ours) > 1:
            raise SettingsError(f"It holds several servers named '{name}'.", hint=BY_HAND)
        found: Any = ours[0] if ours else None
    else:
        found = place.get(name)
    if found is not None and not isinstance(found, dict):
        raise SettingsError(f"'{name}' is no server.", hint=BY_HAND)
    return found


def _placed(data: Any, host: Host, name: str, entry: Entry) -> Any:
    """Return data with our entry where it belongs; new servers come last, and first where a list is kept."""
    place = data
    for key in host.path[: None if not host.items else -1]:
        if not place.get(key):
            place[key] = {}
        place = place[key]
    if not host.items:
        place[name] = entry
        return data
    servers = place.get(host.path[-1]) or []
    at = next((index for index, one in enumerate(servers) if one.get(host.items) == name), None)
    place[host.path[-1]] = (
        [entry, *servers] if at is None else [entry if index == at else one for index, one in enumerate(servers)]
    )
    return data


def _changed(text: str, host: Host, named: tuple[str, Entry], *, there: bool) -> str:
    name, entry = named
    if host.format == "toml":
        from ferce_agent.cli.hosting.toml_text import set_toml

        return set_toml(text, (*host.path, name), entry, there=there)
    if host.format == "json":
        from ferce_agent.cli.hosting.json_text import set_json

        return set_json(text, (*host.path, name), entry)
    from ferce_agent.cli.hosting.yaml_text import set_yaml

    return set_yaml(text, host.path[0], name, entry, items=host.items)


def _same(one: Any, other: Any) -> bool:
    """Return whether data is the same; unlike ``==``, true is not 1 and 1.0 is not 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
