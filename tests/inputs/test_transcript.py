from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import TranscriptError
from ferce_agent.inputs.transcript import Segment, TimedWord, Transcript, read_transcript
from ferce_agent.inputs.transcript_cues import seconds
from ferce_agent.inputs.transcript_parts import MAX_BYTES, MAX_SECONDS

SRT = (
    "\ufeff1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>My dog died</i>\r\nthis morning.\r\n\r\n"
    "2\r\n00:00:03.000 --> 00:00:04.000 X1:10 X2:90\r\n{\\an8}- Anna: I am so sorry.\r\n"
)
VTT = """WEBVTT some title
Kind: captions
Language: en-GB

STYLE
::cue { color: red }

NOTE a remark
about it

intro
00:01.000 --> 00:02.000 align:start position:0%
<v.loud Anna Maria>Hello &amp; welcome</v>

00:00:02.500 --> 00:00:04.500
<00:00:02.500><c>One</c> <00:00:03.000><c>two</c> <00:00:03.500><c>three</c>
"""


def segments(value: Any) -> list[tuple[str, float | None, float | None, str | None]]:
    return [(one.text, one.start_s, one.end_s, one.speaker) for one in read_transcript(value).segments]


def test_plain_text_is_one_segment_without_times() -> None:
    assert read_transcript("  My dog\ndied. ") == Transcript((Segment("My dog died."),), "told", None)


def test_the_language_of_a_transcript_becomes_a_code() -> None:
    told = Transcript((Segment("Hello."),), "told", "en-US")
    assert read_transcript(told) == Transcript((Segment("Hello."),), "told", "en")
    assert read_transcript(Transcript((), "told", "english")).language is None


def test_lines_with_a_name_say_who_speaks() -> None:
    text = "Anna: How are you?\nBen Miller: Not so well.\nMy dog died.\n\nAnna: Oh no."
    assert segments(text) == [
        ("How are you?", None, None, "Anna"),
        ("Not so well. My dog died.", None, None, "Ben Miller"),
        ("Oh no.", None, None, "Anna"),
    ]


@pytest.mark.parametrize("text", ["Note: it rains.", "We met at 12:30 sharp.", "see https://x.org", "a: "])
def test_other_colons_do_not(text: str) -> None:
    assert segments(text) == [(text.strip(), None, None, None)]


def test_subrip() -> None:
    assert segments(SRT) == [("My dog died this morning.", 1.0, 2.5, None), ("I am so sorry.", 3.0, 4.0, "Anna")]


def test_webvtt_with_voices_notes_settings_and_times_of_words() -> None:
    found = read_transcript(VTT)
    assert found.language == "en"
    assert segments(VTT) == [("Hello & welcome", 1.0, 2.0, "Anna Maria"), ("One two three", 2.5, 4.5, None)]
    assert found.segments[1].words == (
        TimedWord("One", 2.5, 3.0),
        TimedWord("two", 3.0, 3.5),
        TimedWord("three", 3.5, 4.5),
    )


def test_what_is_heard_beside_speech_is_no_speech() -> None:
    text = "1\n00:01 --> 00:02\n[door slams] Go!\n\n2\n00:03 --> 00:04\n(laughs)\n\n3\n00:05 --> 00:06\n♪ la la ♪\n"
    assert segments(text) == [("Go!", 1.0, 2.0, None)]


def test_two_people_in_a_cue_are_two_segments() -> None:
    text = "00:01 --> 00:02\n<v Ann>Yes.</v>\n<v Ben>No.</v>\n"
    assert segments(text) == [("Yes.", 1.0, 2.0, "Ann"), ("No.", 1.0, 2.0, "Ben")]


def test_lines_that_scroll_are_read_once() -> None:
    text = (
        "WEBVTT\n\n00:00.000 --> 00:02.000\n \nso<00:00.500><c> I</c><00:01.000><c> said</c>\n\n"
        "00:02.000 --> 00:02.010\nso I said\n \n\n"
        "00:02.010 --> 00:04.000\nso I said\nno<00:03.000><c> way</c>\n"
    )
    assert [one[0] for one in segments(text)] == ["so I said", "no way"]


def test_words_of_a_cue_that_begins_with_a_line_of_spaces_have_their_times() -> None:
    text = (
        "WEBVTT\n\n00:00.000 --> 00:02.000 align:start position:0%\n \nhello<00:00:00.500><c> world</c>\n\n"
        "00:02.000 --> 00:02.010\nhello world\n \n\n"
        "00:02.010 --> 00:04.000\nhello world\nnext<00:00:03.000><c> line</c>\n"
    )
    assert segments(text) == [("hello world", 0.0, 2.0, None), ("next line", 2.01, 4.0, None)]
    assert read_transcript(text).segments[0].words == (TimedWord("hello", 0.0, 0.5), TimedWord("world", 0.5, 2.0))
    assert segments("1\n00:01,000 --> 00:02,000\n \n2\n00:03,000 --> 00:04,000\nHi\n") == [("Hi", 3.0, 4.0, None)]


def test_cues_without_an_empty_line_between_them() -> None:
    assert [one[0] for one in segments("1\n00:01 --> 00:02\nA b\n2\n00:03 --> 00:04\nC d")] == ["A b", "C d"]


def test_overlapping_and_unsorted_cues_are_sorted() -> None:
    assert [one[0] for one in segments("00:05 --> 00:09\nlate\n\n00:01 --> 00:06\nearly")] == ["early", "late"]


WHISPER = {
    "language": "en",
    "segments": [
        {
            "start": 0.0,
            "end": 2.0,
            "text": " My dog died.",
            "words": [
                {"word": " My", "start": 0.0, "end": 0.4, "probability": 0.9},
                {"word": " dog", "start": 0.4, "end": 1.0, "probability": 0.8},
                {"word": " died.", "start": 1.0, "end": 2.0, "probability": 0.7},
            ],
        },
        {"start": 3.0, "end": 4.0, "text": ""},
    ],
}


@pytest.mark.parametrize("value", [WHISPER, json.dumps(WHISPER), json.dumps(WHISPER).encode("utf-16")])
def test_the_form_of_whisper(value: Any) -> None:
    found = read_transcript(value)
    assert (found.language, [one.text for one in found.segments]) == ("en", ["My dog died."])
    assert found.segments[0].words[1] == TimedWord("dog", 0.4, 1.0, 0.8)


@pytest.mark.parametrize(
    "value",
    [
        [{"word": "Oh", "start": 1, "end": 2, "score": 0.5}, {"text": "no", "start_s": 2, "end_s": "3.0"}],
        {"words": [{"word": "Oh", "start": 1, "end": 2, "confidence": 0.5}, {"word": "no", "start": 2, "end": 3}]},
        {"result": [{"word": "Oh", "start": 1, "end": 2, "conf": 0.5}, {"word": "no", "start": 2, "end": 3}]},
        '{"word": "Oh", "start": 1, "end": 2, "score": 0.5}\n{"word": "no", "start": 2, "end": "00:00:03.0"}',
        {"chunks": [{"text": "Oh", "timestamp": [1, 2], "score": 0.5}, {"text": "no", "timestamp": (2.0, 3.0)}]},
    ],
)
def test_lists_of_words(value: Any) -> None:
    (found,) = read_transcript(value).segments
    assert found == Segment("Oh no", 1.0, 3.0, None, (TimedWord("Oh", 1, 2, 0.5), TimedWord("no", 2, 3)))


def test_a_text_with_more_words_than_have_times_counts_whole() -> None:
    words = [{"word": "I", "start": 0.0, "end": 0.2}, {"word": "feel", "start": 0.2, "end": 0.5}]
    (one,) = read_transcript([{"start": 0.0, "end": 2.0, "text": "I feel - so sad.", "words": words}]).segments
    assert one == Segment("I feel - so sad.", 0.0, 2.0)
    (one,) = read_transcript([{"start": 0.0, "end": 2.0, "text": "I - feel.", "words": words}]).segments
    assert [word.text for word in one.words] == ["I", "feel"]


@pytest.mark.parametrize("rest", [{"text": "Hi"}, {"words": [{"word": "Hi", "start": 0, "end": 1}]}])
def test_an_empty_list_does_not_hide_the_words_beside_it(rest: dict[str, Any]) -> None:
    assert [one.text for one in read_transcript({"segments": [], **rest}).segments] == ["Hi"]


def test_words_of_two_speakers_are_two_segments() -> None:
    words = [{"word": "Yes", "start": 0, "end": 1, "speaker": 0}, {"word": "No", "start": 1, "end": 2, "speaker": 1}]
    assert segments(words) == [("Yes", 0.0, 1.0, "0"), ("No", 1.0, 2.0, "1")]


def test_words_without_times_share_the_gap() -> None:
    words = [
        {"word": "It", "start": 0, "end": 1},
        {"word": "was"},
        {"word": "20"},
        {"word": "too", "start": 3, "end": 4},
    ]
    (found,) = read_transcript([{"start": 0, "end": 4, "text": "It was 20 too", "words": words}]).segments
    assert [(one.start_s, one.end_s) for one in found.words] == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_chinese_words_are_joined_without_spaces() -> None:
    words = [{"word": word, "start": at, "end": at + 1} for at, word in enumerate(["我", "很", "高兴"])]
    assert segments(words)[0][0] == "我很高兴"


def test_a_list_of_sentences() -> None:
    assert [one[0] for one in segments(["One.", "Two."])] == ["One.", "Two."]


@pytest.mark.parametrize("value", ["", " \n", "WEBVTT\n", {"segments": []}, [], b""])
def test_nothing_said_is_a_transcript_without_segments(value: Any) -> None:
    assert read_transcript(value).segments == ()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (12, "int"),
        ({"lines": []}, "neither"),
        ({"segments": {}}, "must be a list"),
        ([{"start": 1, "end": 2}], "no text"),
        ([1, 2], "entry 1 is a number"),
        ([{"text": 3}], "a number"),
        ([{"word": "a", "start": "x", "end": 2}], "no number of seconds"),
        ([{"word": "a", "start": -1, "end": 2}], "cannot be"),
        ([{"word": "a", "start": 0, "end": 10**400}], "cannot be"),
        ([{"word": "a", "start": float("nan"), "end": 2}], "cannot be"),
        ([{"word": "a", "start": 3, "end": 2}], "before it begins"),
        ([{"word": "a", "start": True, "end": 2}], "true or false"),
        ([{"text": "a b", "words": "a b"}], "no list"),
        ([{"text": "a b", "words": ["a"]}], "word 1"),
        ("00:05 --> 00:04\nHello", "line 1 ends"),
        (b"\xe4\xf6", "UTF-8"),
        ("a" * (MAX_BYTES + 1), "bytes"),
        ("ä" * (MAX_BYTES // 2 + 1), "bytes"),
        ([{"word": "a", "start": 0, "end": 1}] * 100_001, "entries"),
    ],
)
def test_what_cannot_be_read_is_a_typed_error(value: Any, words: str) -> None:
    with pytest.raises(TranscriptError, match=words) as caught:
        read_transcript(value)
    assert caught.value.code == "transcript_unreadable"
    assert caught.value.hint


def test_errors_never_quote_the_words() -> None:
    for value in ([{"word": "Zebra77", "start": "Zebra77", "end": 2}], {"Zebra77": "Zebra77"}, ["Zebra77", 3]):
        with pytest.raises(TranscriptError) as caught:
            read_transcript(value)
        assert "Zebra77" not in str(caught.value)


def test_a_path_is_a_file_and_a_text_never_is(tmp_path: Path) -> None:
    file = tmp_path / "said.srt"
    file.write_bytes(SRT.encode())
    assert read_transcript(file).segments[0].text == "My dog died this morning."
    assert read_transcript(str(file)).segments == (Segment(str(file)),)


def test_what_a_file_must_hold_by_its_ending(tmp_path: Path) -> None:
    for name, words in (("a.json", "JSON"), ("a.vtt", "subtitles"), ("a.srt", "subtitles")):
        (tmp_path / name).write_text("just words")
        with pytest.raises(TranscriptError, match=words):
            read_transcript(tmp_path / name)
    (tmp_path / "a.txt").write_text("just words")
    assert read_transcript(tmp_path / "a.txt").segments == (Segment("just words"),)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    outside = tmp_path / "said.txt"
    outside.write_text("words")
    inside = tmp_path / "allowed"
    inside.mkdir()
    (inside / "link.txt").symlink_to(outside)
    large = tmp_path / "large.txt"
    large.write_bytes(b"a" * (MAX_BYTES + 1))
    for path, roots in (
        (tmp_path / "none.txt", None),
        (tmp_path, None),
        (Path("/dev/zero"), None),
        (large, None),
        (outside, [inside]),
        (inside / "link.txt", [inside]),
        (Path("https://example.org/a.srt"), None),
    ):
        with pytest.raises(TranscriptError):
            read_transcript(path, roots=roots)


def test_long_texts_are_read_in_time_that_grows_with_them() -> None:
    for line in ("<v.<v.", "[", "a: b\nb: c\n", "♪", "00:01 --> 00:02\n", "- ", "(", "x\n"):
        try:
            read_transcript(line * 30_000)
        except TranscriptError as error:
            assert "entries" in str(error)


WORDS = st.lists(st.text("abcäöéЖ中'", min_size=1, max_size=8), min_size=1, max_size=6).map(" ".join)
MILLIS = st.integers(0, 10**7)


def clock(millis: int, mark: str, hours: bool = True) -> str:
    minutes, rest = divmod(millis, 60_000)
    hour, minute = divmod(minutes, 60) if hours else (0, minutes)
    head = f"{hour:02d}:" if hours else ""
    return f"{head}{minute:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"


@given(st.lists(st.tuples(MILLIS, MILLIS, WORDS), max_size=8), st.booleans(), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=60, deadline=None)
def test_cues_come_back_as_they_were_written(cues: list[tuple[int, int, str]], is_vtt: bool, end: str) -> None:
    cues = sorted((start, start + length + 100, text) for start, length, text in cues)
    lines = ["WEBVTT", ""] if is_vtt else []
    for number, (start, stop, text) in enumerate(cues, 1):
        mark = "." if is_vtt else ","
        lines += [str(number), f"{clock(start, mark)} --> {clock(stop, mark)}", text, ""]
    found = segments(end.join(lines))
    assert [text for text, *_ in found] == [text for *_, text in cues]
    times = [time for _, start, stop, _ in found for time in (start, stop)]
    assert times == pytest.approx([time / 1000 for start, stop, _ in cues for time in (start, stop)])


@given(MILLIS, st.sampled_from([".", ","]))
def test_times_in_every_spelling(millis: int, mark: str) -> None:
    assert seconds(clock(millis, mark)) == pytest.approx(millis / 1000)


ANY_TEXT = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            ["WEBVTT", "NOTE", "1", "00:01 --> 00:02", "00:09 --> 00:03", "<v Ann>", "Anna: ", "words", "[", "{", "",
             "<00:01.5>", "]", "♪", "\x00", "\ud800", "--> ", "(x)"]
        ),
        max_size=20,
    ).map("\n".join),
)  # fmt: skip
ANY_DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["segments", "words", "word", "text", "start", "end", "timestamp", "speaker", "score"]),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)


@given(st.one_of(ANY_TEXT, st.binary(max_size=100), ANY_DATA, ANY_DATA.map(json.dumps)))
@settings(max_examples=300, deadline=None)
def test_anything_gives_a_transcript_or_a_typed_error(value: Any) -> None:
    try:
        found = read_transcript(value)
    except TranscriptError:
        return
    for one in found.segments:
        assert one.text
        assert "\n" not in one.text
        one.text.encode()
        assert (one.start_s is None) == (one.end_s is None)
        times = [(word.start_s, word.end_s) for word in one.words]
        for start, end in [*times, (one.start_s or 0.0, one.end_s or 0.0)]:
            assert 0 <= start <= end <= MAX_SECONDS
