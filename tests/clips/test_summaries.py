from __future__ import annotations

from ferce_agent.clips.episode_book import EpisodeBook
from ferce_agent.clips.moments import Candidate
from ferce_agent.clips.summaries import MOST, clip_text, fitting, moment_text, told_of, when
from ferce_agent.report import ClipDegradation, ClipSource
from ferce_agent.temporal.episodes import FoundEpisode

SOURCE = ClipSource(
    kind="frames",
    media_type="application/x-pixels",
    sha256=None,
    width=320,
    height=240,
    first_s=0.0,
    last_s=12.0,
    duration_s=None,
    frames=300,
    frame_rate=25.0,
    variable_rate=False,
    audio=False,
)


def found(onset: float, offset: float, confidence: float = 0.8) -> FoundEpisode:
    return FoundEpisode(0, onset, (onset + offset) / 2, offset, 0.9, confidence, True, True)


def test_times_are_read_as_a_viewer_sees_them() -> None:
    assert when(0.74) == "0.7 s"
    assert when(65.31) == "1:05.3"


def test_pieces_of_one_laugh_are_told_as_one() -> None:
    book = EpisodeBook("track-1")
    book.expression("happiness", found(1, 4, 0.9))
    book.expression("happiness", found(4.5, 6, 0.6))
    book.expression("sadness", found(7, 8))
    book.expression("happiness", found(20, 21))
    told = told_of(book.episodes)
    assert [(one.term, one.begin, one.end) for one in told] == [
        ("happiness", 1, 6),
        ("sadness", 7, 8),
        ("happiness", 20, 21),
    ]
    assert told[0].confidence == (0.9 * 3 + 0.6 * 1.5) / 4.5


def test_a_film_that_breaks_off_is_said() -> None:
    broken = ClipDegradation(stage="read", code="clip_truncated", message="The film ends at 12 s of 40 s.")
    text = clip_text(SOURCE, [], [], [broken], "")
    assert text == "No face was found in 12.0 s of film. Not all of it was read: The film ends at 12 s of 40 s."


def test_a_text_has_whole_sentences_and_fits() -> None:
    text = fitting(["One sentence of this text."] * 200)
    assert len(text) <= MOST
    assert text.endswith("text.")


def test_moments_say_why() -> None:
    assert moment_text(Candidate("covered", 5.0, 2, "mouth_covered", 0.5)) == (
        "Face 2 cannot be read for a while: the mouth is covered."
    )
    assert moment_text(Candidate("together", 5.0, None, "3 happiness", 0.5)).startswith("3 faces show happiness")
    assert "lip corners" in moment_text(Candidate("apex", 5.0, 1, "AU12", 0.5))
    assert moment_text(Candidate("apex", 5.0, 1, "sadness", 0.5)) == "The curve of sadness of Face 1 is highest here."
