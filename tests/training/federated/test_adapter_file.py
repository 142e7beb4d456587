from pathlib import Path

import numpy as np
import pytest

from ferce_agent import Engines, analyze_expression
from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.settings import Settings
from ferce_agent.training.federated.adapter_file import adapter_of
from ferce_agent.training.federated.task import Recipe, fresh_arrays, probabilities, train
from tests.training.federated.makers import made_faces

PHOTO = Path(__file__).parents[3] / "ferce_agent" / "evaluation" / "astronaut.jpg"


def test_the_file_gives_in_the_product_what_the_head_gives(tmp_path: Path) -> None:
    faces, judged = made_faces(400, 1), made_faces(200, 2)
    arrays, _ = train(fresh_arrays(), faces, Recipe(epochs=4), 3)
    made = adapter_of(arrays, judged, len(faces), 0.01, 7)
    correction = made.correction(256)
    assert np.allclose(correction(judged.logs, judged.embedding), probabilities(arrays, judged), atol=1e-5)
    assert made.held_out.after.log_loss < made.held_out.before.log_loss


def test_a_report_is_made_with_the_head(tmp_path: Path) -> None:
    arrays = fresh_arrays()
    arrays["bias"][CANONICAL.index("sadness")] = 30  # so that a clear smile, too, is read otherwise
    path = tmp_path / "federated.json"
    path.write_text(adapter_of(arrays, made_faces(200, 2), 100, 0.01, 7).to_json(), "utf-8")
    before = analyze_expression(PHOTO)
    after = analyze_expression(PHOTO, engines=Engines(Settings(adapter=path)))
    first, second = before.people[0].expression, after.people[0].expression
    assert first is not None and second is not None
    assert (first.distribution.happiness > 0.9) and (second.distribution.sadness > 0.9)


def test_too_few_faces_for_judging_are_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        adapter_of(fresh_arrays(), made_faces(30), 100, 0.01, 7)
