from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.concurrency.interruption import interruptible


def test_items_come_from_another_thread_and_errors_are_raised_here() -> None:
    def numbers() -> Iterator[int]:
        yield threading.get_ident()
        raise LookupError("no more")

    found = interruptible(numbers, Cancellation())
    assert next(found) != threading.get_ident()
    with pytest.raises(LookupError, match="no more"):
        next(found)
    assert list(interruptible(lambda: iter([1, 2]), Cancellation())) == [1, 2]


def test_who_stops_listening_calls_the_work_off() -> None:
    cancel = Cancellation()

    def endless() -> Iterator[int]:
        yield 1
        assert cancel.wait(120)

    found = interruptible(endless, cancel)
    assert next(found) == 1
    found.close()
    assert cancel.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "ferce-work"]


MODEL = """
from pathlib import Path
from ferce_agent.vlm.protocol import Answer

class Waiting:
    name, version, remote, most_pictures = "waiting", "1", False, 1

    def ask(self, request):
        Path("begun").touch()
        if request.cancel.wait(120):
            Path("stopped").touch()
        return Answer("<answer>happy</answer>")

def make():
    return Waiting()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_stops_the_models_of_several_faces(tmp_path: Path, two_faces: NDArray[np.uint8]) -> None:
    (tmp_path / "waiting.py").write_text(MODEL, "utf-8")
    cv2.imwrite(str(tmp_path / "two.png"), two_faces)
    command = [sys.executable, "-m", "ferce_agent", "analyze", "two.png", "--vlm", "python:waiting:make"]
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=200)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert (tmp_path / "stopped").exists()
