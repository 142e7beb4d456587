from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from ferce_agent.cli import main
from ferce_agent.evaluation.clips.speed import RATE, speed_table
from ferce_agent.evaluation.web_speed import LiveMeasured, acted_film, rows_of, sent_film, served


def test_rates_and_delays_leave_the_first_second_out() -> None:
    measured = LiveMeasured(cpu=0.25)
    for number in range(3 * RATE):
        late = number < RATE
        measured.sent[number] = number / RATE
        if number % 2 == 0:
            measured.answered[number] = number / RATE + (5.0 if late else 0.02)
    rate, delay, cpu = rows_of(measured, 1)
    assert rate.value == pytest.approx(RATE / 2)
    assert (delay.value, delay.worst, delay.met) == (20.0, 20.0, True)
    assert (cpu.value, cpu.met) == (0.25, None)
    assert "| server, one face: pictures read | 15 frames/s | 15 frames/s | ≥ 15 frames/s: met |" in speed_table(
        [rate, delay, cpu]
    )


def test_nothing_that_came_back_is_missed() -> None:
    rate, delay = rows_of(LiveMeasured(), 3)
    assert (rate.value, rate.met) == (0, False)
    assert math.isnan(delay.value)
    assert not delay.met


def test_the_film_is_acted() -> None:
    film = [np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)) for jpeg in acted_film()]
    assert {one.shape for one in film} == {(480, 640, 3)}
    assert len(film) == 90


@pytest.mark.slow
def test_the_server_reads_what_is_sent() -> None:
    with served() as server:
        measured = sent_film(server, acted_film(), 6.0)
    assert measured.named[0] == "nobody"
    # Which pictures between two expressions are read depends on how busy the machine is: a doubt may pass unseen.
    assert "happiness" in measured.named
    assert len({*measured.named} - {"nobody"}) > 1
    assert set(measured.answered) <= set(measured.sent)
    assert len(measured.answered) > RATE
    assert measured.cpu is None or measured.cpu > 0


@pytest.mark.slow
def test_the_command_prints_a_table() -> None:
    done = CliRunner().invoke(main, ["bench", "web", "--seconds", "3", "--no-browser"])
    assert done.exit_code == 0, done.output
    assert "server, one face: sent to shown" in done.output
    assert "page" not in done.output
