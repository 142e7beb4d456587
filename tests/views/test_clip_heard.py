"""What is heard in a film, and what bodies do, in the views of a clip; a voice message in those of a photo."""

from __future__ import annotations

import csv
import io
import json

from ferce_agent.views.brief import rough_tokens, to_brief, to_brief_text
from ferce_agent.views.clip_brief import MOST, to_clip_brief, to_clip_brief_text
from ferce_agent.views.clip_page import to_clip_fragment, to_clip_html
from ferce_agent.views.clip_tables import episodes_csv
from ferce_agent.views.clip_text import to_clip_text
from ferce_agent.views.html import to_html
from ferce_agent.views.text import to_text
from tests.clip_reports import make_clip_report, make_long_clip_report
from tests.factories import make_report
from tests.voice_reports import make_turn, make_voice_report, with_speech

SAID = "Remember the blue bicycle."
FILM = with_speech(words=SAID)
READING = "politeness, or a smile kept up for others"


def test_text_tells_who_speaks_what_bodies_do_and_conflicts() -> None:
    text = " ".join(to_clip_text(FILM).split())
    for words in (
        "Speaks 0:01.0 to 0:03.4: sounds like anger (likely, 81%)",
        "Body arms are crossed 0:07.0 to 0:09.5 (77%)",
        "Heard Turn 2, 0:05.0 to 0:06.2, off camera (60%)",
        "All in all 0:01.0, Face 1 and Turn 1: face and voice: no expression is named",
        f"It could be: {READING}",
        SAID,
    ):
        assert words in text


def test_text_and_page_say_how_much_of_what_is_heard_they_leave_out() -> None:
    film = FILM.model_copy(update={"fused": FILM.fused[:1] * 110, "conflicts": FILM.conflicts[:1] * 108})
    track = film.tracks[0].model_copy(update={"body": FILM.tracks[0].body[:1] * 107})
    film = film.model_copy(update={"tracks": (track, *film.tracks[1:])})
    text = to_clip_text(film, full=False)
    for words in ("101 more postures or gestures", "104 more parts read together", "102 more conflicts"):
        assert words in text
    full = to_clip_text(film, full=True)
    assert "more conflicts" not in full and full.count("It could be") == 108
    page = to_clip_html(film)
    assert "102 more conflicts are in the report" in to_clip_fragment(film)
    assert "48 more conflicts are in the report" in page and "50 more are in the report" in page


def test_a_film_without_sound_is_told_as_before() -> None:
    text = to_clip_text(make_clip_report())
    assert not [word for word in ("Speaks", "Heard", "Body", "All in all") if word in text]
    assert "What is heard" not in to_clip_html(make_clip_report())


def test_a_brief_tells_turns_and_conflicts_without_words() -> None:
    brief = to_clip_brief(FILM)
    text, told = to_clip_brief_text(brief), json.dumps(brief.told())
    assert "speech-1 1-3.4, track-1: sounds like anger (likely 0.81)" in text
    assert "the face does not go with the voice (smile and tense voice)" in text
    assert "bicycle" not in text + told
    assert brief.speech[0].speaker == "track-1"
    assert len(brief.speech) + brief.more_speech == len(FILM.speech)


def test_a_brief_of_a_long_film_with_much_speech_is_short() -> None:
    film = with_speech(make_long_clip_report(8))
    turns = tuple(make_turn(number, 6.0 * number, 6.0 * number + 4) for number in range(1, 400))
    proofs = {entry.id: entry for entry in film.evidence}
    more = [proofs["speech-1.prosody"].model_copy(update={"id": turn.evidence[0]}) for turn in turns[3:]]
    film = film.model_copy(update={"speech": turns, "evidence": (*film.evidence, *more)})
    brief = to_clip_brief(film)
    assert rough_tokens(to_clip_brief_text(brief)) + rough_tokens(json.dumps(brief.told())) <= MOST
    assert len(brief.speech) + brief.more_speech == len(turns)


def test_a_page_has_a_row_for_each_speaker_and_the_readings_of_conflicts() -> None:
    page = to_clip_html(FILM)
    for words in ("What is heard", "Off camera", "by whom is not known", READING, SAID, "arms are crossed"):
        assert words in page
    assert READING in to_clip_fragment(FILM)


def test_a_table_has_rows_for_turns_and_postures() -> None:
    rows = list(csv.DictReader(io.StringIO(episodes_csv(FILM))))
    spoken = [(row["track"], row["label"], row["reason"]) for row in rows if row["kind"] == "speech"]
    assert spoken == [("track-1", "anger", ""), ("off_camera", "happiness", ""), ("", "", "unclear")]
    assert [row["label"] for row in rows if row["kind"] == "body"] == ["arms_crossed"]


def test_a_photo_with_a_voice_message_tells_of_both() -> None:
    report = make_report(voice=make_voice_report(SAID))
    assert "Voice Turn 1: sounds like anger (likely, 81%)" in " ".join(to_text(report).split())
    assert SAID in to_html(report)
    brief = to_brief(report)
    assert brief.voice[0].startswith("speech-1 sounds like anger")
    assert "speech-1 sounds like anger (likely, 0.81)" in to_brief_text(brief)
    assert "bicycle" not in to_brief_text(brief) + json.dumps(brief.told())
    assert "voice message" not in to_html(make_report())


def test_turns_are_a_data_frame() -> None:
    frame = FILM.to_frame("turns")
    assert frame["turn"].tolist() == ["speech-1", "speech-2", "speech-3"]
    assert frame["speaker"].tolist()[:2] == ["track-1", "off_camera"]
    assert frame["speaker"].isna().tolist() == [False, False, True]
    assert frame["p_anger"][0] > 0.8
    assert (frame["pauses"][0], bool(frame["flat"][0])) == (1, False)
