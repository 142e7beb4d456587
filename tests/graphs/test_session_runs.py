"""Real photos, films, sounds and chats into a session: consent first, nothing twice, nothing of what was cancelled."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ferce_agent import Session, aadd_to_session, add_to_session, build_baseline
from ferce_agent.errors import ClipFormatError, DataError, FerceError, InputError, PolicyError, SettingsError
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import ClipReport, EmotionReport, VoiceReport
from ferce_agent.sessions.entries import chat_entry
from tests.baselines import make_baseline
from tests.clip_reports import make_clip_report
from tests.graphs.test_voice_runs import SPOKEN
from tests.inputs.sounds import coded
from tests.tools.face_films import saved
from tests.voice_reports import make_voice_report

AT = datetime.now(UTC) - timedelta(days=3)
SELF = {"observer": "self"}


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("FERCE_KEPT", str(tmp_path / "kept"))
    monkeypatch.delenv("FERCE_PASSPHRASE", raising=False)
    return Session.new("anna", purpose="see how I am")


def test_a_photo_a_film_and_a_sound_of_a_real_person(
    session: Session, photo: Path, tmp_path: Path, engines: Engines
) -> None:
    sound = tmp_path / "message.au"
    sound.write_bytes(coded("au", samples=SPOKEN))
    events: list[Any] = []
    for source in (photo, str(saved(tmp_path, seconds=2.0)), sound):
        added = add_to_session("anna", source, AT, engines=engines, on_event=events.append)
        assert (added.added, added.doubles) == (1, 0)
    kinds = {one.kind: one for one in session.entries()}
    assert set(kinds) == {"photo", "clip", "voice"}
    assert kinds["photo"].shares == {"happiness": 1.0}
    assert {"valence", "expressivity"} <= set(kinds["clip"].measures)
    assert "pitch_st" in kinds["voice"].measures
    assert all(one.source is not None and one.at == AT for one in kinds.values())
    assert "progress" in {one.event for one in events}
    events.clear()
    assert add_to_session("anna", tmp_path / "film.mp4", AT, engines=engines, on_event=events.append).doubles == 1
    assert events == []  # it was not read a second time
    assert len(session.entries()) == 3


def test_a_photo_against_the_persons_own_baseline(session: Session, photo: Path, engines: Engines) -> None:
    made = build_baseline([photo], engines=engines)
    (entry,) = add_to_session(session, photo, AT, baseline=made, engines=engines).entries
    assert entry.baseline == made.id
    assert entry.measures["eyes_open"].value == pytest.approx(1.0, abs=0.05)  # it is the same picture
    assert "no_baseline" not in {one.code for one in session.report(use=SELF).degraded}


def test_reports_and_their_files(session: Session, tmp_path: Path, report: EmotionReport) -> None:
    made: list[EmotionReport | VoiceReport | ClipReport] = [report, make_voice_report(), make_clip_report()]
    for number, one in enumerate(made):
        file = tmp_path / f"report-{number}.json"
        one.save(file)
        assert add_to_session(session, file, AT, whose="track-1" if number == 2 else None).added == 1
    assert add_to_session(session, report, AT).doubles == 1
    assert sorted(one.kind for one in session.entries()) == ["clip", "photo", "voice"]


def test_chats_in_every_form(session: Session, tmp_path: Path) -> None:
    lines, told = tmp_path / "chat.txt", tmp_path / "chat.json"
    lines.write_text("I am so happy today.\n\nThank you!\n", "utf-8")
    messages = [
        {"role": "assistant", "content": "How are you today, after all of that?"},
        {"role": "user", "content": "I am happy."},
        {"role": "user", "content": [{"type": "text", "text": "Very happy."}, {"type": "image_url"}]},
    ]
    told.write_text(json.dumps(messages), "utf-8")
    for source in (lines, str(told), messages, ["I am happy.", "Very happy."]):
        assert add_to_session(session, source, AT).added == 1
    assert add_to_session(session, lines, AT).doubles == 1
    add_to_session(session, "One line is a chat where that is said.", AT, kind="chat")
    found = [one.measures["words_per_day"].value for one in session.entries()]
    assert sorted(found) == [5, 5, 5, 7, 9]
    assert "happy" not in str([one.model_dump() for one in session.entries()])


def test_where_no_expression_may_be_read_words_are_counted_and_distress_is_noticed() -> None:
    entry = chat_entry(["I am happy. I want to kill myself."], AT, infer=False)
    assert (set(entry.measures), entry.withheld) == ({"words_per_day"}, ("policy_restricted",))
    assert entry.distress == "likely"


@pytest.mark.parametrize(
    ("use", "told"),
    [({"observer": "third_party"}, "third"), ({"domain": "workplace"}, "work"), ({"observer": "clinician"}, "agreed")],
)
def test_the_rules_and_the_consent_come_before_the_reading(
    session: Session, tmp_path: Path, use: dict[str, Any], told: str
) -> None:
    with pytest.raises(PolicyError, match=told):
        add_to_session(session, tmp_path / "nothing-is-opened.jpg", AT, use_context=use)


def test_what_the_consent_does_not_cover_is_not_read(session: Session, photo: Path, engines: Engines) -> None:
    session.agree(kinds=("chat",))
    with pytest.raises(PolicyError, match="and not photo"):
        add_to_session(session, photo, AT, engines=engines)
    with pytest.raises(InputError, match="time to come"):
        add_to_session(session, ["Hello."], datetime.now(UTC) + timedelta(days=2))
    session.withdraw()
    with pytest.raises(PolicyError, match="withdrew"):
        add_to_session(session, photo, AT, engines=engines)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.json", "{", InputError),
        ("a.json", '{"people": 3}', InputError),
        ("a.json", '{"x": 1}', InputError),
        ("a.json", "[3]", InputError),
        ("a.json", '[{"content": "whose?"}]', InputError),
        ("a.json", '[{"role": "user", "content": 3}]', InputError),
        ("a.json", "[]", InputError),
        ("a.json", "3", InputError),
        ("a.json", "[" * 100_000, InputError),
        ("a.txt", "\n \n", InputError),
        ("a.txt", b"\xff\xfe\xff", DataError),
        ("a.xyz", "neither film nor sound", ClipFormatError),
        ("none.txt", None, DataError),
    ],
)
def test_what_cannot_be_used(
    session: Session, tmp_path: Path, name: str, content: str | bytes | None, error: type[FerceError]
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(error) as caught:
        add_to_session(session, file, AT)
    assert caught.value.hint
    assert session.entries() == ()


def test_a_folder_is_refused_and_not_read_as_a_film(session: Session, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        add_to_session(session, tmp_path, AT)


def test_options_that_do_not_go_together(session: Session, photo: Path, engines: Engines) -> None:
    with pytest.raises(SettingsError, match="no meaning for a chat"):
        add_to_session(session, ["Hello."], AT, whose="person-1")
    with pytest.raises(SettingsError, match="no meaning for a report"):
        add_to_session(session, make_voice_report(), AT, baseline=make_baseline())
    with pytest.raises(DataError, match="no baseline"):
        add_to_session(session, photo, AT, baseline="nobody", engines=engines)
    with pytest.raises(SettingsError, match="no transcript"):
        add_to_session(session, photo, AT, transcript="Hello.", engines=engines)
    with pytest.raises(SettingsError, match="no kind"):
        add_to_session(session, photo, AT, kind="film")  # type: ignore[arg-type]


def test_the_event_loop_goes_on_while_something_is_read(
    session: Session, tmp_path: Path, photo: Path, engines: Engines
) -> None:
    async def run() -> int:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0)  # as often as the loop goes round, whatever the machine is busy with
                beats += 1

        heart = asyncio.create_task(beat())
        opened = await Session.aopen("anna")
        assert (await aadd_to_session(opened, photo, AT, engines=engines)).added == 1
        assert (await opened.aadd_chat("I am happy.", AT)).added == 1
        assert (await opened.areport(use=SELF)).counts == {"photo": 1, "chat": 1}
        heart.cancel()
        return beats

    assert asyncio.run(run()) > 50


def test_what_is_cancelled_is_not_added(session: Session, tmp_path: Path, engines: Engines) -> None:
    film = saved(tmp_path, seconds=8.0)

    async def run() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(aadd_to_session(session, film, AT, engines=engines, on_event=lambda _: begun.set()))
        waiting = asyncio.create_task(begun.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert session.entries() == ()

    asyncio.run(run())
