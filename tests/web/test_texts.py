"""The words of the page: every key that a script uses, every code that a report may have, in every language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ferce_agent
from ferce_agent import errors
from ferce_agent.chat.tone import BecauseCode
from ferce_agent.context.conflicts import CALM_AT_STRONG_WORDS, FROWN_AT_GOOD, SMILE_AT_BAD
from ferce_agent.context.guidance import AS_CERTAIN, advice_table
from ferce_agent.errors import FerceError, SettingsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.policy.labels import Domain, Grounds, Jurisdiction
from ferce_agent.policy.rules import rules
from ferce_agent.report import AbstainReason, Basis, DegradedCode, Group, Policy, QualityReason, RelationKind, Support
from ferce_agent.report.brief import BriefConflict, Unnamed
from ferce_agent.report.clip import BodyKind, ClipDegradedCode, GapReason, MicroMovement, MomentReason, TrackSummary
from ferce_agent.report.clip_wording import CLIP_DEGRADED, EVENTS, GAP, MOMENT
from ferce_agent.report.face import Region
from ferce_agent.report.speech import ConflictKind, SoundDegradedCode, VoiceDoubt
from ferce_agent.report.voice_wording import BODY, CONFLICT, DOUBT, SOUND_DEGRADED
from ferce_agent.report.wording import ABSTAIN, CONFIDENCE, DEGRADED, INTENSITY, QUALITY, shows, term_label
from ferce_agent.web import texts as module
from ferce_agent.web.app import WORDS
from ferce_agent.web.texts import LANGUAGES, own_texts, parse_texts, texts

STATIC = Path(module.__file__).parent / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
WHOLE = ("en", "de")
"""Languages that lack no code; of others some texts may still be English."""
TRANSLATED = [code for code in LANGUAGES if code != "en"]
FIXED = re.compile(r"""\b(?:t|hasText)\(\s*["']([\w.-]+)["']""")
COUNTED = re.compile(r"""\btCount\(\s*["']([\w.-]+)["']""")
FIELD = re.compile(r"\{(\w+)\}")


def values(*literals: object) -> set[str]:
    """Return the values of literals and unions of them."""
    found: set[str] = set()
    for one in literals:
        for value in get_args(one):
            found |= {value} if isinstance(value, str) else values(value)
    return found


def error_codes(kind: type[FerceError] = FerceError) -> Iterator[str]:
    yield kind.code
    for one in kind.__subclasses__():
        if one.__module__ == errors.__name__:
            yield from error_codes(one)


CODES = {
    "quality": values(QualityReason),
    "gap": values(GapReason),
    "abstain": values(AbstainReason, Unnamed),
    "degraded": values(DegradedCode, ClipDegradedCode, SoundDegradedCode),
    "moment": values(MomentReason),
    "support": values(Support),
    "ground": values(Basis) | {"unknown"},
    "relation": values(RelationKind),
    "conflict": values(BriefConflict.model_fields["between"].annotation, ConflictKind),
    "doubt": values(VoiceDoubt),
    "body": values(BodyKind),
    "rule": {rule.id for rule in rules() if not rule.when.scenario},  # the page runs no scenario
    "error": {*error_codes(), *(code for code, _ in WORDS.values())},
    "mood": values(Group.model_fields["mood"].annotation),
    "part": values(Region, MicroMovement.model_fields["regions"].annotation),
    "clip": values(TrackSummary.model_fields["liveliness"].annotation),
    "decision": values(Policy.model_fields["decision"].annotation),
    "domain": values(Domain),
    "jurisdiction": values(Jurisdiction),
    "basis": values(Grounds),
    "term": {term.id for term in ontology().terms.values() if term.kind in {"canonical", "compound"}},
    "shows": {term.id for term in ontology().terms.values() if term.kind in {"canonical", "compound"}},
    "movement": {*ontology().action_units, *EVENTS},
    "appraisal": set(ontology().appraisals),
    "chat": {f"why.{code}" for code in values(BecauseCode)},
}


def keys_in(text: str) -> set[str]:
    """Return the keys that a script names in full."""
    counted = {f"{key}.{number}" for key in COUNTED.findall(text) for number in ("one", "other")}
    return set(FIXED.findall(text)) | counted


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_key_of_a_script_has_an_english_text(script: Path) -> None:
    assert keys_in(script.read_text("utf-8")) <= own_texts("en").keys()


def test_every_key_of_the_page_has_an_english_text() -> None:
    keys = re.findall(r'data-t="([^"]+)"', (STATIC / "index.html").read_text("utf-8"))
    assert keys
    assert set(keys) <= own_texts("en").keys()


def test_every_text_is_used() -> None:
    code = "\n".join(script.read_text("utf-8") for script in SCRIPTS) + (STATIC / "index.html").read_text("utf-8")
    # A key may be put together: of a table and a name that stands by itself, or of a beginning that is used only so.
    beginnings = set(re.findall(r"[`\"]([\w.]+)\$\{", code)) - {"token."}
    tables = {one for one in beginnings if re.fullmatch(r"\w+\.", one)}

    def is_used(key: str) -> bool:
        table, _, name = key.removesuffix(".one").removesuffix(".other").partition(".")
        by_name = f"{table}." in tables and re.search(rf"\b{re.escape(name)}\b", code) is not None
        begun = key.startswith(tuple(beginnings - tables)) or key.startswith(
            ("error.http_", "error.page_", "language.", "term.", "said.", "chat.tone.")
        )
        return f"{table}.{name}" in code or by_name or begun or name in CODES.get(table, ())

    assert [key for key in own_texts("en") if not is_used(key)] == []


@pytest.mark.parametrize("language", WHOLE)
@pytest.mark.parametrize("table", CODES)
def test_every_code_has_a_text(table: str, language: str) -> None:
    assert {f"{table}.{code}" for code in CODES[table]} <= own_texts(language).keys()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_no_key_that_english_lacks_and_the_same_fields(language: str) -> None:
    english, other = own_texts("en"), own_texts(language)
    assert other.keys() <= english.keys()
    different = [key for key, text in other.items() if set(FIELD.findall(text)) != set(FIELD.findall(english[key]))]
    assert different == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_speaks_of_what_somebody_feels(language: str) -> None:
    wrong = re.compile(r"\bfeels\b|\bfühl(t|en|e|st)?\b", re.IGNORECASE)
    assert [key for key, text in own_texts(language).items() if not text.strip() or wrong.search(text)] == []


def test_english_says_what_the_package_says() -> None:
    """The words of the page and those of the other views must not drift apart."""
    english = own_texts("en")
    degraded: dict[str, str] = {
        str(code): words for code, words in (*DEGRADED.items(), *CLIP_DEGRADED.items(), *SOUND_DEGRADED.items())
    }
    tables: dict[str, Mapping[Any, str]] = {"quality": QUALITY, "gap": GAP, "degraded": degraded, "moment": MOMENT}
    tables |= {"abstain": ABSTAIN, "movement": EVENTS, "doubt": DOUBT, "body": BODY, "conflict": CONFLICT}
    for table, words in tables.items():
        for code, text in words.items():
            assert english[f"{table}.{code}"] == text
    for unit in ontology().action_units.values():
        assert english[f"movement.{unit.id}"] == unit.movement
    for term in ontology().terms.values():
        assert english[f"term.{term.id}"] == term_label(term.id)
        assert term.kind == "fine" or english[f"shows.{term.id}"] == shows(term.id)


def test_the_words_for_doubt_and_strength_have_the_bounds_of_the_package() -> None:
    script = (STATIC / "texts.js").read_text("utf-8")
    english = own_texts("en")
    for name, steps in (("confidence", CONFIDENCE), ("intensity", INTENSITY)):
        block = script.split(f"{name.upper()}_STEPS = [")[1].split("];")[0]
        found = [(float(low), english[f"{name}.{key}"]) for low, key in re.findall(r'\[([\d.]+), "(\w+)"\]', block)]
        assert found == list(steps)


def test_the_colours_are_those_of_the_drawn_pictures() -> None:
    from ferce_agent.views.annotate import PALETTE

    found = dict(re.findall(r'(\w+): "(#[0-9a-f]{6})"', (STATIC / "drawing.js").read_text("utf-8")))
    assert found == {name: "#{:02x}{:02x}{:02x}".format(*PALETTE[name]) for name in CANONICAL}
    assert '"#{:02x}{:02x}{:02x}"'.format(*PALETTE[None]) in (STATIC / "drawing.js").read_text("utf-8")


def test_the_nearest_language_is_taken() -> None:
    assert texts("de-AT")["language.code"] == texts(" DE_de ")["language.code"] == "de"
    assert texts("tlh")["language.code"] == texts("")["language.code"] == texts("../en")["language.code"] == "en"
    assert texts("de").keys() == texts("en").keys()
    assert texts("en")["languages.de"] == "Deutsch"


def test_a_text_that_a_language_lacks_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    english, german = own_texts("en"), own_texts("de")
    del german["report.title"]
    monkeypatch.setattr(module, "_tables", lambda: {"en": english, "de": german})
    found = texts("de")
    assert found["report.title"] == english["report.title"]
    assert found["report.told"] == german["report.told"]


def test_nested_tables_become_keys_with_dots() -> None:
    assert parse_texts('[a]\nb = "x"\nc = { one = "y" }', "xx") == {"a.b": "x", "a.c.one": "y"}


@pytest.mark.parametrize("content", ["[a\n", "[a]\nb = 3\n", '[a]\nb = ["x"]\n'])
def test_a_damaged_file_is_a_typed_error_that_names_the_language(content: str) -> None:
    with pytest.raises(SettingsError, match="'xx'"):
        parse_texts(content, "xx")


@given(st.text())
def test_any_language_code_gives_a_whole_table(code: str) -> None:
    assert texts(code).keys() == texts("en").keys()


@given(st.text())
def test_any_file_is_read_or_refused(content: str) -> None:
    try:
        found = parse_texts(content, "xx")
    except SettingsError:
        return
    assert all(isinstance(text, str) for text in found.values())


PLACED = re.compile(r"\{\d+\}")
WRITERS = ("context", "clips", "inputs", "graphs", "reasoning", "voice")
"""Packages that write sentences about what could not be done."""


BUILT = (
    "{1} faces were found, only",
    "The number of frames a second is",
    "The shortest and weakest episodes and gaps of track-",
    "The time budget leaves no room for the model.",
)
"""Sentences that are put together of several pieces."""


def said_key(sentence: str) -> str:
    """Return the key of a sentence of the package, as `ownSentence` in texts.js makes it."""
    return "said." + re.sub(r"[^a-z]+", "_", PLACED.sub("", sentence).lower()).strip("_")


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text, as `packageWords` in parts.js takes it apart."""
    return re.split(r"(?<=[.!?]) (?=[A-Z])", text)


def written(node: ast.AST) -> Iterator[str]:
    """Yield the messages without values that a statement writes."""
    values: list[ast.expr] = []
    if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == "message" for one in node.targets):
        values = [node.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_note":
        values = node.args
    for one in values:
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value.endswith("."):
            yield from sentences_of(one.value)


def table_sentences() -> set[str]:
    """Return the sentences of the tables from which advice and readings of conflicts come."""
    entries = advice_table().values()
    advice = {text for one in entries for suggested in (one.suggestion, *one.avoid) for text in sentences_of(suggested)}
    return advice | {AS_CERTAIN, *SMILE_AT_BAD, *FROWN_AT_GOOD, *CALM_AT_STRONG_WORDS}


def test_every_tone_has_a_text() -> None:
    names = {re.sub(r"[^a-z]+", "_", one.tone.lower()).strip("_") for one in advice_table().values()}
    for language in WHOLE:
        assert {f"chat.tone.{name}" for name in names} <= own_texts(language).keys()


@pytest.mark.parametrize("package", WRITERS)
def test_every_fixed_message_about_what_was_not_done_has_a_text(package: str) -> None:
    texts_there = {language: own_texts(language) for language in WHOLE}
    unseen = {
        "The picture of this run is not held any more.",  # an error's, not a report's
        "The film is damaged or ends early: its table of contents (moov) is missing or cannot be read.",  # likewise
        "The run went on from a checkpoint, which holds no pictures.",  # the page keeps no checkpoints
        "The camera gave more pictures than could be read; the newest was taken each time.",  # of a camera here
    }
    folder = Path(ferce_agent.__file__).parent / package
    for file in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            for sentence in set(written(node)) - unseen:
                for there in texts_there.values():
                    assert said_key(re.sub(r"\d+(\.\d+)?", "", sentence)) in there, sentence


def test_what_the_tables_advise_has_a_text() -> None:
    for sentence in table_sentences():
        assert own_texts("en")[said_key(sentence)] == sentence
        assert said_key(sentence) in own_texts("de")


def test_every_sentence_that_is_translated_is_one_that_the_package_writes() -> None:
    """A sentence that was changed in a table would otherwise be English on a German page, unnoticed."""
    package = Path(ferce_agent.__file__).parent
    folders = [package / name for name in WRITERS]
    code = " ".join(file.read_text("utf-8") for folder in folders for file in sorted(folder.glob("*.py")))
    joined = re.sub(r'"\s+f?"', "", code)  # strings over several lines
    letters = re.sub(r"[^a-z]+", "", re.sub(r"\{[^{}]*\}", "", joined).lower())
    known = {said_key(one) for one in table_sentences()}
    for key, text in own_texts("en").items():
        if not key.startswith("said.") or key in known:
            continue
        assert said_key(text) == key
        for piece in PLACED.split(text):
            plain = re.sub(r"[^a-z]+", "", piece.lower())
            assert plain in letters or text.startswith(BUILT), text
