from pathlib import Path

from ferce_agent.training.federated.comparison import Row, baselines, table
from ferce_agent.training.federated.ferplus_clients import divide_among
from ferce_agent.training.federated.task import Recipe
from tests.training.federated.makers import made_faces


def test_central_training_beats_the_shipped_answer_where_features_tell_more(tmp_path: Path) -> None:
    made = divide_among(made_faces(400, 1), made_faces(200, 2), tmp_path, "even", 2, 0)
    rows = baselines(made, Recipe(), 20, 7)
    told = {row.name: row for row in rows}
    assert told["central"].own > told["shipped"].own
    assert told["central"].own == told["central"].everywhere


def test_the_table_says_what_was_sent() -> None:
    text = table([Row("fedavg", 0.5, 0.25, 2_000_000, 1_000_000, (0.4, None))])
    assert "| fedavg | 0.5000 | 0.2500 | 2.0 | 1.0 |" in text
    assert "fedavg by round: 0.400 –" in text
