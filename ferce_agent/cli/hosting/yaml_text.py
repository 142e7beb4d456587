"""Changing one entry of a YAML text and leaving every other line as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ferce_agent.errors import SettingsError

BY_HAND = "Change it by hand."


def yaml_text(data: Any) -> str:
    """Return data as YAML in block style, in the order given."""
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10**6, default_flow_style=False))


def parse_yaml(text: str) -> Any:
    """Return the data of a YAML text; None for an empty one.

    Raises:
        ValueError: It is not YAML, holds several documents or a tag of somebody's own, or a key stands twice.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        for node in _nodes(root):
            if isinstance(node, MappingNode):
                keys = [key.value for key, _ in node.value if isinstance(key, ScalarNode)]
                if len(set(keys)) != len(keys):
                    raise ValueError("a key stands twice")
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def _nodes(root: Node | None) -> Iterator[Node]:
    """Yield a node and all below it, each once, although aliases may name it again."""
    waiting, seen = [root] if root is not None else [], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, SequenceNode):
            waiting += node.value


def set_yaml(text: str, key: str, name: str, entry: Mapping[str, Any], *, items: str) -> str:
    """Return a YAML text with an entry put below a key of the outermost mapping.

    Args:
        text: A YAML text that `parse_yaml` reads as a mapping, or as nothing.
        key: The key, such as ``extensions``.
        name: The name of the entry below it.
        entry: What is to stand there.
        items: Where the entries are a list: the key that holds their name; else empty.

    Raises:
        SettingsError: What is there is not in block style, or a comment would be lost.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    line = "\r\n" if "\r\n" in text else "\n"
    fresh: Any = [dict(entry)] if items else {name: dict(entry)}
    found = None if root is None else next((pair for pair in root.value if pair[0].value == key), None)
    if found is None:
        start = text if not text or text.endswith("\n") else text + line
        return start + _shifted({key: fresh}, 0, line)
    holder: Node = found[1]
    if isinstance(holder, ScalarNode) or not holder.value:  # nothing, ~, {} or []
        place = _line_end(text, holder.end_mark.index)
        cleared = text[: holder.start_mark.index].rstrip(" ") + text[holder.end_mark.index : place]
        return _joined(cleared, _shifted(fresh, found[0].start_mark.column + 2, line), text[place:], line)
    if holder.flow_style or holder.start_mark.line == found[0].start_mark.line:
        raise SettingsError(f"What stands below '{key}' is written on one line.", hint=BY_HAND)
    old = _entry_node(holder, name, items)
    block = _shifted(fresh, holder.start_mark.column, line)
    if old is None:
        place = _line_end(text, found[0].end_mark.index)
        return _joined(text[:place], block, text[place:], line)
    begin = text.rfind("\n", 0, old[0]) + 1
    end = _line_end(text, old[1])
    if "#" in text[begin:end] or text[begin : old[0]].strip(" -"):
        raise SettingsError("Our entry is there already and may hold a comment, which would be lost.", hint=BY_HAND)
    return text[:begin] + block + text[end:].removeprefix("\r").removeprefix("\n")


def _entry_node(holder: Node, name: str, items: str) -> tuple[int, int] | None:
    """Return where the entry of a name begins and where its last value ends."""
    if items:
        for node in holder.value:
            if any(key.value == items and value.value == name for key, value in node.value):
                return node.start_mark.index, _leaf_end(node)
        return None
    return next(((key.start_mark.index, _leaf_end(value)) for key, value in holder.value if key.value == name), None)


def _leaf_end(node: Node) -> int:
    """Return where the last text of a node ends: the end of a mapping lies behind the comments that follow it."""
    while isinstance(node, MappingNode | SequenceNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(node, MappingNode) else last
    if isinstance(node, ScalarNode) and node.style in {"|", ">"}:
        raise SettingsError("Our entry is there already and ends with a text of several lines.", hint=BY_HAND)
    return int(node.end_mark.index)


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end - (text[end - 1] == "\r")


def _joined(before: str, block: str, after: str, line: str) -> str:
    """Return the text with whole lines put behind the line that `before` ends in."""
    return before + line + block + after.removeprefix("\r").removeprefix("\n")


def _shifted(data: Any, column: int, line: str) -> str:
    """Return data as YAML lines that begin at a column."""
    return "".join(f"{' ' * column}{one}{line}" for one in yaml_text(data).splitlines())
