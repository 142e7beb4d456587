from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ferce_agent.cli import main
from ferce_agent.errors import DataError
from ferce_agent.evaluation.gates.measure import SUITES, Choices, load_faces
from tests.evaluation.gates.pictures import write_wildfaces


def test_what_is_not_given_is_left_out_and_named(tmp_path: Path) -> None:
    faces, notes = load_faces(Choices(wildfaces=write_wildfaces(tmp_path)))
    assert [face.id for face in faces] == ["portrait.png"] and ["FER+" in note for note in notes] == [True]
    with pytest.raises(DataError, match=r"valid\.parquet"):
        load_faces(Choices(data=tmp_path))


def test_the_command_prints_tables_or_json(tmp_path: Path) -> None:
    options = ["bench", "gates", "--suite", "upright", "--wildfaces", str(write_wildfaces(tmp_path)), "--json"]
    told = json.loads(CliRunner().invoke(main, options).stdout)
    assert [table["title"] for table in told["tables"]] == ["Upright: turned photos and faces"]
    assert told["tables"][0]["lines"][-1]["trials"] == 5
    bare = CliRunner().invoke(main, options[:4])
    assert bare.exit_code == 0 and "--data DIR was not given" in bare.stdout


def test_the_command_knows_every_suite() -> None:
    text = CliRunner().invoke(main, ["bench", "gates", "--help"]).stdout
    assert all(name in text for name in SUITES)
