from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from ferce_agent.errors import OntologyError, UnknownTermError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import FILES, ontology, parse_ontology

SHARED = Path(__file__).parents[2].parent / "shared" / "reference" / "mfoem.tsv"
RAF_CE = (
    "happily surprised, happily disgusted, sadly fearful, sadly angry, sadly surprised, sadly disgusted, fearfully "
    "angry, fearfully surprised, fearfully disgusted, angrily surprised, angrily disgusted, disgustedly surprised, "
    "happily fearful, happily sad"
)


def texts() -> dict[str, str]:
    home = resources.files("ferce_agent.ontology")
    return {name: (home / name).read_text("utf-8") for name in FILES}


def test_it_is_as_large_as_promised() -> None:
    store = ontology()
    kinds = [term.kind for term in store.terms.values()]
    assert kinds.count("canonical") == 8
    assert kinds.count("compound") >= 24
    assert kinds.count("fine") >= 60
    assert len(store.action_units) >= 20
    assert sum("raf-ce" in term.sources for term in store.terms.values()) == 14
    assert sum("du-2014" in term.sources for term in store.terms.values()) == 15


def test_every_compound_class_of_raf_ce_is_found_by_its_parts() -> None:
    store = ontology()
    for name in RAF_CE.split(", "):
        term = store.term(name.replace(" ", "_"))
        assert "raf-ce" in term.sources
        assert store.compound_of(frozenset(term.parents)) == term
    assert store.compound_of(frozenset({"neutral", "anger"})) is None


def test_the_axioms_hold() -> None:
    appraisals = ontology().appraisals
    for expression, appraisal in (
        ("anger", "unjust"),
        ("fear", "dangerous"),
        ("surprise", "not_expected"),
        ("happiness", "pleasant"),
        ("disgust", "not_congruent_with_ideals"),
        ("sadness", "loss"),
    ):
        assert expression in appraisals[appraisal].expressions


def test_pleasant_terms_are_positive_and_families_agree() -> None:
    store = ontology()
    assert store.canonical_of("fury") == ("anger",)
    assert store.canonical_of("happily_surprised") == ("happiness", "surprise")
    assert store.canonical_of("fear") == ("fear",)
    assert min(store.term(name).valence for name in ("joy", "relief", "pride")) > 0.4
    assert max(store.term(name).valence for name in ("grief", "rage", "terror")) < -0.6


@pytest.mark.parametrize("labels", ["raf_db", "ferplus", "affectnet", "sfew"])
def test_ferbench_words_map_to_canonical_terms(labels: str) -> None:
    words = ontology().label_sets[labels]
    assert set(words.values()) <= set(CANONICAL)
    assert len(set(words.values())) == len(words) == (8 if labels in {"ferplus", "affectnet"} else 7)


@pytest.mark.skipif(not SHARED.is_file(), reason="the MFOEM table is not in the repository")
def test_every_mfoem_id_exists() -> None:
    known = {line.split("\t")[0] for line in SHARED.read_text("utf-8").splitlines()}
    store = ontology()
    used = [term.mfoem for term in store.terms.values() if term.mfoem]
    used += [appraisal.mfoem for appraisal in store.appraisals.values()]
    assert len(used) > 80
    assert set(used) <= known


def test_search_ranks_names_before_definitions() -> None:
    found = [term.id for term in ontology().search("surprise")]
    assert found[0] == "surprise"
    assert "astonishment" in [term.id for term in ontology().search("amazed")]
    assert ontology().search("  ") == []
    assert len(ontology().search("a", limit=3)) == 3


def test_unknown_terms_come_with_a_suggestion() -> None:
    with pytest.raises(UnknownTermError, match="happiness"):
        ontology().term("hapiness")


DAMAGE: dict[str, tuple[str, Callable[[str], str], str]] = {
    "syntax": ("terms.toml", lambda text: text + "\n[[term", "not valid TOML"),
    "order": (
        "terms.toml",
        lambda text: text.replace('id = "neutral"', 'id = "neutrality"'),
        "canonical terms must be",
    ),
    "parent": ("terms.toml", lambda text: text.replace('parents = ["anger"]', 'parents = ["angre"]', 1), "angre"),
    "unit": ("terms.toml", lambda text: text.replace('"AU12"', '"AU99"', 1), "AU99"),
    "range": ("terms.toml", lambda text: text.replace("valence = 0.8", "valence = 8", 1), "happiness"),
    "field": ("terms.toml", lambda text: text.replace("arousal = 0.4", "arrousal = 0.4", 1), "happiness"),
    "mfoem": ("terms.toml", lambda text: text.replace("MFOEM_000042", "MFOEM_42", 1), "happiness"),
    "synonym": ("terms.toml", lambda text: text.replace('"startled"', '"glad"', 1), "glad"),
    "cycle": (
        "terms.toml",
        lambda text: text.replace('parents = ["anger"]', 'parents = ["rage"]', 1).replace(
            'id = "rage"\nlabel = "rage"\nadjective = "enraged"\nkind = "fine"\nparents = ["anger"]',
            'id = "rage"\nlabel = "rage"\nadjective = "enraged"\nkind = "fine"\nparents = ["rage"]',
        ),
        "ancestor|below no canonical",
    ),
    "repeated id": ("appraisals.toml", lambda text: text.replace('id = "loss"', 'id = "just"', 1), "just"),
    "expression": ("appraisals.toml", lambda text: text.replace('["sadness"]', '["sorrow"]', 1), "appraisals.toml"),
    "region": ("action_units.toml", lambda text: text.replace('region = "brow"', 'region = "hair"', 1), "AU1"),
    "version": ("terms.toml", lambda text: text.replace('version = "1.0.0"', 'version = "new"', 1), "version"),
    "label set": ("terms.toml", lambda text: text.replace('angry = "anger"', 'angry = "wrath"', 1), "label_sets"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_mistakes_of_an_editor_are_named(kind: str) -> None:
    file, change, expected = DAMAGE[kind]
    files = texts()
    changed = change(files[file])
    assert changed != files[file]
    with pytest.raises(OntologyError, match=expected):
        parse_ontology({**files, file: changed})
