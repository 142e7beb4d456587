from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.context.turn_alignment import align
from ferce_agent.inputs.transcript import Segment, TimedWord, Transcript, read_transcript
from ferce_agent.inputs.transcript_parts import count_words

SPANS = [(1.0, 2.0), (3.0, 5.0)]


def words(*entries: tuple[str, float, float], speaker: str | None = None) -> Transcript:
    timed = tuple(TimedWord(text, start, end, 0.5) for text, start, end in entries)
    text = " ".join(one.text for one in timed)
    return Transcript((Segment(text, timed[0].start_s, timed[-1].end_s, speaker, timed),), "transcribed", "en")


def texts(transcript: Transcript, spans: list[tuple[float, float]] = SPANS) -> list[str | None]:
    return [None if one is None else one.text for one in align(transcript, spans).turns]


def test_words_go_to_the_turn_that_they_overlap_most() -> None:
    said = words(("one", 0.9, 1.4), ("two", 1.8, 3.1), ("three", 2.5, 3.3), ("four", 4.9, 5.2))
    found = align(said, SPANS)
    assert [one.text for one in found.turns if one] == ["one two", "three four"]
    assert (found.left_over, found.outside, found.guessed) == (0, None, False)
    assert found.turns[0] is not None
    assert (found.turns[0].confidence, found.turns[0].span) == (0.5, (0.9, 3.1))


def test_words_near_a_turn_belong_to_it_and_others_to_none() -> None:
    found = align(words(("near", 2.1, 2.2), ("far", 2.4, 2.5), ("late", 9.0, 9.5)), SPANS)
    assert texts(words(("near", 2.1, 2.2))) == ["near", None]
    assert found.left_over == 2
    assert found.outside is not None
    assert (found.outside.text, found.outside.span) == ("far late", (2.4, 9.5))


def test_a_segment_without_word_times_is_divided_by_how_long_it_overlaps() -> None:
    subtitle = read_transcript("00:01.000 --> 00:05.000\naaa bbb ccc ddd eee fff")
    assert texts(subtitle) == ["aaa bbb", "ccc ddd eee fff"]
    assert align(subtitle, SPANS).guessed is False


def test_a_subtitle_shown_before_its_speech_belongs_to_it() -> None:
    assert texts(read_transcript("00:00.000 --> 00:00.600\nHello there")) == ["Hello there", None]
    assert align(read_transcript("00:00.000 --> 00:00.400\nHello there"), SPANS).left_over == 2


def test_a_text_without_times_is_divided_by_length_and_is_a_guess() -> None:
    found = align(read_transcript("aaa bbb ccc ddd eee fff"), SPANS)
    assert [one.text for one in found.turns if one] == ["aaa bbb", "ccc ddd eee fff"]
    assert found.guessed
    assert all(one.guessed for one in found.turns if one)


def test_a_text_without_times_for_a_single_turn_is_no_guess() -> None:
    found = align(read_transcript("My dog died."), [(0.5, 2.0)])
    assert (found.turns[0].text if found.turns[0] else "", found.guessed) == ("My dog died.", False)


def test_a_segment_without_times_among_others_goes_with_the_one_before() -> None:
    said = Transcript((Segment("before"), Segment("in", 3.0, 4.0), Segment("after")))
    found = align(said, SPANS)
    assert texts(said) == ["before", "in after"]
    assert found.guessed


def test_without_turns_all_words_are_left_over() -> None:
    for said in (words(("one", 0.0, 1.0), ("two", 1.0, 2.0)), read_transcript("one two")):
        found = align(said, [])
        assert (found.turns, found.left_over) == ((), 2)


def test_the_speaker_of_a_turn_says_most_of_its_words() -> None:
    said = read_transcript(
        "00:01 --> 00:02\n<v Ann>one two three\n<v Ben>four\n\n00:03 --> 00:05\n<v Ann>a\n<v Ben>b\n"
    )
    assert [one.speaker for one in align(said, SPANS).turns if one] == ["Ann", None]


def test_nothing_said() -> None:
    assert align(Transcript(()), SPANS).turns == (None, None)


def test_words_that_were_told_have_no_confidence() -> None:
    told = read_transcript([{"word": "one", "start": 1, "end": 2, "score": 0.9}])
    assert [one.confidence for one in align(told, SPANS).turns if one] == [None]


@pytest.mark.parametrize(("text", "count"), [("It's a dog – no!", 4), ("我很高兴。", 4), ("… !", 0), ("42", 1)])
def test_words_are_counted(text: str, count: int) -> None:
    assert count_words(text) == count


TIMES = st.lists(st.integers(0, 200).map(lambda tenth: tenth / 10), min_size=2, max_size=12, unique=True).map(sorted)
TOKENS = st.lists(st.sampled_from(["a", "dog", "I'm", "été", "中", "wonderful"]), min_size=1, max_size=12)


@given(TIMES, st.lists(st.tuples(TOKENS, st.none() | st.tuples(st.floats(0, 25), st.floats(0, 5))), max_size=6))
@settings(max_examples=100, deadline=None)
def test_no_word_is_lost_or_said_twice(
    times: list[float], said: list[tuple[list[str], tuple[float, float] | None]]
) -> None:
    spans = list(pairwise(times))[::2]
    segments = [
        {"text": " ".join(tokens)} | ({} if at is None else {"start": at[0], "end": at[0] + at[1]})
        for tokens, at in said
    ]
    found = align(read_transcript(json.dumps(segments)), spans)
    every = [one for one in (*found.turns, found.outside) if one is not None]
    given_words = sorted(token for tokens, _ in said for token in tokens)
    assert sorted(token for one in every for token in " ".join(one.text).split(" ") if token) == sorted(
        letter for token in given_words for letter in token
    )
    assert found.left_over == (found.outside.count if found.outside else 0)
    assert sum(one.count for one in every) == len(given_words)
