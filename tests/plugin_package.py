"""A small package, installed into a folder as pip would: modules beside a dist-info with entry points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

MODULE = '''
from pathlib import Path

from ferce_agent.evaluation.datasets.photos import ClassFolders
from ferce_agent.evaluation.perceivers.base import Prediction
from ferce_agent.vlm.protocol import Answer


class Model:
    """Says the word that follows the colon."""

    version, remote, most_pictures = "7", False, 1

    def __init__(self, word, threads=0):
        self.name, self.word = f"acme with {threads} threads", word

    def ask(self, request):
        return Answer(f"<think>The lip corners are raised.</think><answer>{self.word}</answer>")


class Says:
    writes = True

    def __init__(self, word):
        self.word = word

    def describe(self):
        return {"name": "acme", "version": "7", "trained_on": {}}

    def perceive(self, sample, labels):
        return Prediction(answer=f"<answer>{self.word}</answer>")


def reader():
    return ClassFolders()


def fails(*given):
    raise RuntimeError("no licence")


def nothing(*given):
    return 7


number = 7
'''


def install(folder: Path, entries: Mapping[str, Mapping[str, str]], name: str = "acme-faces") -> None:
    """Write the package into `folder`.

    Args:
        folder: A folder that is to be on Python's search path.
        entries: For each group of entry points, the objects of the module by the name that they are offered under.
        name: The package's name; its module has underlines.
    """
    module = name.replace("-", "_")
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(MODULE, "utf-8")
    info = folder / f"{module}-7.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 7.0\n", "utf-8")
    lines: list[str] = []
    for group, offered in entries.items():
        lines.append(f"[ferce_agent.{group}]")
        lines += [f"{key} = {value if ':' in value else f'{module}:{value}'}" for key, value in offered.items()]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
