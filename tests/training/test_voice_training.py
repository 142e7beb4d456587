from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")

from ferce_agent.cli import main  # noqa: E402
from ferce_agent.errors import DataError, SettingsError  # noqa: E402
from ferce_agent.evaluation.datasets.speech import SpeechSet, load_speech  # noqa: E402
from ferce_agent.evaluation.voice.spoken import Spoken, read_spoken  # noqa: E402
from ferce_agent.training import voice_espeak  # noqa: E402
from ferce_agent.training.voice import (  # noqa: E402
    CHECKPOINT,
    VoiceLog,
    VoiceRecipe,
    class_weights,
    new_state,
    read_voices,
    train_voice,
)
from ferce_agent.training.voice_augment import coloured_noise  # noqa: E402
from ferce_agent.training.voice_data import bent, draw_pool, padded  # noqa: E402
from ferce_agent.training.voice_export import Trained, export_voice  # noqa: E402
from ferce_agent.training.voice_folds import VOICE_METHODS, without_augmentation  # noqa: E402
from ferce_agent.training.voice_joined import JoinedVoice, read_joined  # noqa: E402
from ferce_agent.training.voice_machine import (  # noqa: E402
    FURTHEST,
    PENALTY,
    STEPS,
    WIDTH,
    Hearing,
    fit_machine,
)
from ferce_agent.training.voice_network import VoiceNet  # noqa: E402
from ferce_agent.training.voice_strange import unlike_training, voice_strangeness  # noqa: E402
from ferce_agent.training.voice_synthetic import envelope_of, melody, pulses, synthetic  # noqa: E402
from ferce_agent.voice.features import COLUMNS, RATE, voice_frames  # noqa: E402
from ferce_agent.voice.model import installed_model  # noqa: E402
from tests.evaluation.sounds import make_emodb, wav  # noqa: E402

TINY = VoiceRecipe(epochs=2, copies=1, batch=6)


@pytest.fixture(autouse=True)
def _no_synthesiser(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same result whether or not espeak-ng is installed."""
    monkeypatch.setattr(voice_espeak, "PROGRAM", "no-such-program")


@pytest.fixture
def speech(tmp_path: Path) -> SpeechSet:
    return load_speech(str(make_emodb(tmp_path / "emodb")))


@pytest.fixture
def spoken(speech: SpeechSet) -> Spoken:
    return read_spoken(speech)


def test_padding_changes_nothing(spoken: Spoken) -> None:
    torch.manual_seed(1)
    network = VoiceNet(7).eval()
    frames = [spoken.frames[0], spoken.frames[1][:13], spoken.frames[2][:22]]
    together = network(*padded(frames))
    for row, one in enumerate(frames):
        alone = network(torch.from_numpy(one)[None])
        for seen, expected in zip(together, alone, strict=True):
            assert torch.allclose(seen[row], expected[0], atol=1e-4)


def test_the_level_of_the_recording_changes_nothing(spoken: Spoken) -> None:
    torch.manual_seed(1)
    network = VoiceNet(7)
    louder = spoken.frames[0].copy()
    louder[:, :-2] += 9.0
    first, second = (read_voices(network, [one]).features for one in (spoken.frames[0], louder))
    assert torch.allclose(first, second, atol=1e-3)


def test_copies_come_again_from_their_seed(spoken: Spoken) -> None:
    first, again, other = draw_pool(spoken, 2, 3), draw_pool(spoken, 2, 3), draw_pool(spoken, 2, 4)
    assert [len(row) for row in first] == [3] * len(spoken)
    assert first[1][0] is spoken.frames[1]
    assert np.array_equal(first[1][2], again[1][2])
    assert not np.array_equal(first[1][1], first[1][2])
    assert first[1][1].shape != other[1][1].shape or not np.array_equal(first[1][1], other[1][1])


def test_bent_frames_leave_the_original(spoken: Spoken) -> None:
    before = spoken.frames[0].copy()
    changed = bent(spoken.frames[0], np.random.default_rng(1))
    assert np.array_equal(before, spoken.frames[0])
    assert changed.shape[1] == COLUMNS
    assert len(changed) > 0.5 * len(before)
    assert bent(before[:1], np.random.default_rng(2)).shape == (1, COLUMNS)


def test_rare_emotions_weigh_more() -> None:
    weights = class_weights(np.array([0, 0, 0, 1]), 3)
    assert weights[1] > 1 > weights[0] > 0
    assert weights[2] == 0


def test_a_stopped_run_ends_as_if_it_had_not_been(spoken: Spoken, tmp_path: Path) -> None:
    whole = train_voice(spoken, tmp_path / "whole", TINY)

    class StoppedError(Exception):
        pass

    def stop(log: VoiceLog) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        train_voice(spoken, tmp_path / "parts", TINY, report=stop)
    parts = train_voice(spoken, tmp_path / "parts", TINY)
    assert [log.epoch for log in parts.logs] == [0, 1]
    for one, other in zip(whole.average.state_dict().values(), parts.average.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_a_checkpoint_of_another_recipe_is_refused(spoken: Spoken, tmp_path: Path) -> None:
    train_voice(spoken, tmp_path, replace(TINY, epochs=1))
    with pytest.raises(DataError, match="another recipe"):
        train_voice(spoken, tmp_path, TINY)
    (tmp_path / CHECKPOINT).write_bytes(b"no")
    with pytest.raises(DataError, match="not a checkpoint"):
        train_voice(spoken, tmp_path, TINY)


def test_the_network_learns_what_it_is_shown(spoken: Spoken, tmp_path: Path) -> None:
    state = train_voice(spoken, tmp_path, VoiceRecipe(epochs=40, batch=6, copies=0, bend=False, rate=0.005, ema=0.8))
    told = read_voices(state.average, spoken.frames)
    assert (told.emotions.argmax(1).numpy() == spoken.gold).mean() > 0.8
    assert torch.allclose(told.emotions.sum(1), torch.ones(len(spoken)), atol=1e-4)
    assert told.affect.abs().max() <= 1
    assert state.logs[-1].loss < state.logs[0].loss


def test_a_wrong_recipe_is_refused() -> None:
    for wrong in ({"epochs": 0}, {"batch": 1}, {"ema": 1.0}, {"copies": -1}, {"rate": 0.0}):
        with pytest.raises(SettingsError):
            VoiceRecipe(**wrong)


@pytest.mark.parametrize("network", [False, True])
def test_the_file_says_what_the_model_says(spoken: Spoken, speech: SpeechSet, tmp_path: Path, *, network: bool) -> None:
    pytest.importorskip("onnx")
    torch.manual_seed(3)
    machine = fit_machine(spoken, Hearing(7, tmp_path))
    joined = JoinedVoice(machine, VoiceNet(len(spoken.emotions)).eval() if network else None)
    path = export_voice(Trained(joined, "machine", "seed 7", {}), spoken, speech, tmp_path)
    assert path.stat().st_size < 3_000_000
    expected = read_joined(joined, spoken.frames[:3])
    model = installed_model(path)
    assert model is not None
    for row, frames in enumerate(spoken.frames[:3]):
        told = model.read_frames(frames)
        wanted = expected.emotions[row].numpy()
        assert list(told.probabilities.values()) == pytest.approx(wanted.tolist(), abs=1e-3)
        assert told.unlike == pytest.approx(float(torch.sigmoid(expected.strangeness[row])), abs=1e-3)
    assert model.about.emotions == spoken.emotions
    assert "ontology" in model.about.affect
    assert "Acted speech overstates" in (tmp_path / "voice.md").read_text("utf-8")
    assert not (tmp_path / "voice.json").exists()


def test_the_machine_decides_as_scikit_learn_does(spoken: Spoken, tmp_path: Path) -> None:
    svm = pytest.importorskip("sklearn.svm")
    hearing = Hearing(7, tmp_path)
    machine = fit_machine(spoken, hearing)
    held = {name: value.numpy() for name, value in machine.named_buffers()}
    like = np.concatenate([hearing(one).like for one in spoken.samples])
    rows = np.clip((like - held["middle"]) / held["spread"], -FURTHEST, FURTHEST)
    gold = np.repeat(spoken.gold, len(rows) // len(spoken))
    reference = svm.SVC(
        C=PENALTY, gamma=WIDTH / rows.shape[1], class_weight="balanced", decision_function_shape="ovo"
    ).fit(np.round(rows * STEPS) / STEPS, gold)
    distance = ((rows[:9, None] - held["support"][None] / STEPS) ** 2).sum(2)
    decided = np.exp(-WIDTH / rows.shape[1] * distance) @ held["dual"] + held["offset"]
    assert np.allclose(decided, reference.decision_function(rows[:9]), atol=0.01)
    assert (read_joined(JoinedVoice(machine), spoken.frames).emotions.argmax(1).numpy() == spoken.gold).all()


def test_functionals_are_made_once_and_kept(spoken: Spoken, tmp_path: Path) -> None:
    first = Hearing(7, tmp_path)
    made = first(spoken.samples[0])
    first.keep()
    again = Hearing(7, tmp_path)(spoken.samples[0])
    assert np.array_equal(made.like, again.like)
    assert np.array_equal(made.unlike, again.unlike)
    (tmp_path / "functionals-7.npz").write_bytes(b"no")
    with pytest.raises(DataError, match="functionals-7"):
        Hearing(7, tmp_path)


def test_a_synthesiser_is_asked_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "synth"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stdout.buffer.write(open({str(tmp_path / 'a.wav')!r}, 'rb').read())\n"
    )
    program.chmod(0o755)
    (tmp_path / "a.wav").write_bytes(wav(seconds=0.5))
    monkeypatch.setattr(voice_espeak, "VARIANTS", ("",))
    monkeypatch.setattr(voice_espeak, "SENTENCES", {"de": ("Hallo.", "Guten Tag.")})
    monkeypatch.setattr(voice_espeak, "PROGRAM", str(program))
    said = voice_espeak.synthesised(7)
    assert [len(one) for one in said] == [RATE // 2] * 2
    program.write_text("#!/bin/sh\nexit 3\n")
    assert voice_espeak.synthesised(7) == []
    monkeypatch.setattr(voice_espeak, "PROGRAM", "no-such-program")
    assert voice_espeak.synthesised(7) == []


def test_machines_speak_with_a_steady_pitch(spoken: Spoken) -> None:
    rng = np.random.default_rng(2)
    source = pulses(np.full(RATE, 125.0), rng)
    assert int((source > 0.5).sum()) >= 124  # a beat in each 8 ms
    said = envelope_of(spoken.samples[0], source[: len(spoken.samples[0])])
    assert len(said) == len(spoken.samples[0])
    assert said.std() == pytest.approx(spoken.samples[0].std(), rel=0.3)
    assert np.isfinite(synthetic(spoken.samples[0], rng)).all()
    assert np.abs(melody(RATE, rng)).max() == pytest.approx(0.1, rel=0.01)


def test_noise_is_unlike_the_training(spoken: Spoken, tmp_path: Path) -> None:
    state = train_voice(spoken, tmp_path, replace(TINY, epochs=12))
    strangeness, limit = voice_strangeness(state.average, spoken, 1)
    noise = [voice_frames(coloured_noise(RATE, "pink", np.random.default_rng(k))) for k in range(4)]
    as_recorded, unlike = (
        strangeness(read_voices(state.average, frames).features.numpy()) for frames in (spoken.frames, noise)
    )
    assert np.mean(as_recorded > limit) <= 0.2
    assert unlike.min() > np.median(as_recorded)


def test_unlike_sounds_are_of_all_kinds(spoken: Spoken) -> None:
    lengths = {
        len(unlike_training(spoken.samples[0], spoken.samples, np.random.default_rng(seed))) for seed in range(30)
    }
    assert len(lengths) == 3  # as long, slower, faster


def test_the_methods_of_the_bench_differ_in_their_recipe(tmp_path: Path) -> None:
    assert without_augmentation(VoiceRecipe()) == replace(VoiceRecipe(), copies=0, bend=False)
    trained = set(VOICE_METHODS) - {"shipped"}
    assert all(VOICE_METHODS[name](tmp_path, 7, True, print).name == name for name in trained)


@pytest.mark.slow
def test_the_commands(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    folder = make_emodb(tmp_path / "emodb")
    runner = CliRunner()
    bench, run = str(tmp_path / "bench"), tmp_path / "run"
    measured = runner.invoke(
        main, ["bench", "voice", "--data", str(folder), "--out", bench, "--short", "--method", "joined"]
    )
    assert measured.exit_code == 0, measured.output
    for words in ("| joined | telephone |", "joined: acted, answered", "ECE calibrated"):
        assert words in measured.output
    command = ["train", "voice", "--data", str(folder), "--out", str(run), "--short"]
    missing = runner.invoke(main, [*command, "--measured", bench])
    assert missing.exit_code != 0
    assert "machine-03.npz" in missing.output
    measured = runner.invoke(main, ["bench", "voice", "--data", str(folder), "--out", bench])
    assert measured.exit_code == 0, measured.output
    assert "| functionals-svm | as recorded |" in measured.output
    few = runner.invoke(main, [*command, "--measured", bench])
    assert "30 are needed" in few.output
    made = runner.invoke(main, command)
    assert made.exit_code == 0, made.output
    assert "voice.onnx" in made.output
    wrong = runner.invoke(main, ["train", "voice", "--data", f"nosuch:{folder}"])
    assert wrong.exit_code != 0
    assert "no set of speech" in wrong.output


def test_a_new_state_comes_from_the_seed() -> None:
    first, second = (new_state(TINY, 3).model.heads.weight for _ in range(2))
    assert torch.equal(first, second)
