"""`ferce train vocabulary`: the map from faces to words, trained contrastively on descriptions from the ontology.

No face in FER+ is labelled with a fine-grained word. What is known is the vote distribution and the measured movements;
from these each face gets a target distribution over all terms of the ontology: canonical terms by their votes,
compounds by the smaller of their parts' votes, fine-grained terms by their canonical parent's votes and by how near the
term's valence and arousal are to the face's. Arousal is raised by wide eyes and an open mouth. The loss is the
cross-entropy between that target and the softmax over the cosines of the face's vector with the words' vectors, with a
random wording of each term at every step.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ferce_agent.evaluation.ferplus import FerPlus, load_split, vote_targets
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import Term, ontology
from ferce_agent.specialist.open_vocabulary import Alignment, features_of
from ferce_agent.specialist.runner import Specialist
from ferce_agent.specialist.sentence_encoder import DIMENSIONS, TEMPLATES, TextEncoder
from ferce_agent.training.network import UNITS
from ferce_agent.views.progress import Display

WIDTH: Final = 0.3
"""How far in valence and arousal a fine-grained term reaches."""
KIND_SHARE: Final = {"canonical": 1.0, "compound": 0.5, "fine": 1.0}
"""Share of the target that each kind of term gets, before normalising."""
STEPS: Final = 1500
BATCH: Final = 512
RATE: Final = 2e-3


@dataclass(frozen=True, slots=True)
class Faces:
    """Features and targets of one split's usable faces.

    Attributes:
        features: Shape (N, 264).
        votes: Vote distribution, shape (N, 8).
        units: Measured action units, shape (N, 16).
    """

    features: NDArray[np.float32]
    votes: NDArray[np.float32]
    units: NDArray[np.float32]


def read_faces(data: FerPlus, specialist: Specialist, title: str) -> Faces:
    """Let the specialist look at the usable faces of a split."""
    votes, usable = vote_targets(data.votes)
    crops = data.crops[usable]
    features, units = [], []
    with Display(len(crops), title) as display:
        for start in range(0, len(crops), 64):
            raw = specialist.run(crops[start : start + 64])
            features.append(features_of(raw.embedding, raw.logits))
            units.append(raw.units.astype(np.float32))
            display.show(start, title)
    return Faces(np.concatenate(features), votes[usable], np.concatenate(units))


def target_terms(faces: Faces, terms: list[Term]) -> NDArray[np.float32]:
    """Return the target distribution over `terms` per face, shape (N, T); see the module's account."""
    place = np.array([[term.valence, term.arousal] for term in ontology().terms.values() if term.kind == "canonical"])
    feeling = faces.votes @ place
    lively = faces.units[:, [UNITS.index("AU5"), UNITS.index("AU26")]].mean(1)
    feeling[:, 1] += 0.8 * lively - 0.1
    shares = np.zeros((len(faces.votes), len(terms)), np.float32)
    for column, term in enumerate(terms):
        parts = [CANONICAL.index(name) for name in ontology().canonical_of(term.id)]
        held = faces.votes[:, parts].min(1) * len(parts)
        if term.kind == "fine":
            distance = ((feeling - [term.valence, term.arousal]) ** 2).sum(1)
            held = faces.votes[:, parts].max(1) * np.exp(-distance / (2 * WIDTH**2))
        shares[:, column] = held
    for kind, share in KIND_SHARE.items():
        columns = [index for index, term in enumerate(terms) if term.kind == kind]
        total = shares[:, columns].sum(1, keepdims=True)
        shares[:, columns] *= share * np.minimum(total, 1) / np.maximum(total, 1e-9)
    return np.asarray(shares / np.maximum(shares.sum(1, keepdims=True), 1e-9), np.float32)


def wordings(term: Term) -> list[str]:
    """Return all ways to say a term: its names in every template, and its definition."""
    names = {term.label, term.adjective, *term.synonyms}
    return [*(template.format(word=name) for name in sorted(names) for template in TEMPLATES), term.definition]


class Mapping(nn.Module):
    """The linear map with a learnt scale."""

    def __init__(self, features: int) -> None:
        """Build it."""
        super().__init__()
        self.linear = nn.Linear(features, DIMENSIONS)
        self.scale = nn.Parameter(torch.tensor(2.5))

    def forward(self, features: Tensor, words: Tensor) -> Tensor:
        """Return scaled cosines of features (N, F) with unit vectors (W, 384)."""
        return self.scale.exp() * F.normalize(self.linear(features)) @ words.T


def fit(
    faces: Faces, encoder: TextEncoder, seed: int, leave_out: tuple[str, ...] = (), specialists: tuple[str, ...] = ()
) -> Alignment:
    """Train the map.

    Args:
        faces: The training faces.
        encoder: Encodes the wordings.
        seed: Seed of weights, order and wordings.
        leave_out: Canonical terms whose faces and whose words (and those of all terms below) are not shown, to test
            unseen words.
        specialists: Digests of the weights whose features the map takes.
    """
    torch.manual_seed(seed)
    store = ontology()
    terms = [term for term in store.terms.values() if not set(store.canonical_of(term.id)) & set(leave_out)]
    hidden = faces.votes[:, [CANONICAL.index(name) for name in leave_out]].sum(1)
    keep = np.flatnonzero(hidden < 0.1)
    kept = Faces(faces.features[keep], faces.votes[keep], faces.units[keep])
    mean, spread = kept.features.mean(0), kept.features.std(0) + 1e-6
    features = torch.from_numpy((kept.features - mean) / spread)
    targets = torch.from_numpy(target_terms(kept, terms))
    texts = [wordings(term) for term in terms]
    encoded = torch.from_numpy(encoder.encode([text for group in texts for text in group]))
    starts = torch.tensor(np.cumsum([0, *map(len, texts[:-1])]))
    counts = torch.tensor([len(group) for group in texts])
    vectors = encoder.words([term.label for term in store.terms.values()])
    shown = vectors[[list(store.terms).index(term.id) for term in terms]]
    centre = shown.mean(0)
    mapping = Mapping(features.shape[1])
    optimiser = torch.optim.AdamW(mapping.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    title = f"Fitting without {leave_out[0]}" if leave_out else "Fitting"
    with Display(STEPS, title) as display:
        for step in range(STEPS):
            chosen = torch.randint(len(features), (BATCH,))
            wording = starts + (torch.rand(len(terms)) * counts).long()
            words = F.normalize(encoded[wording] - torch.from_numpy(centre))
            loss = F.cross_entropy(mapping(features[chosen], words), targets[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            display.show(step + 1, title)
    weights = mapping.linear.weight.detach().numpy().T.copy()
    return Alignment(
        weights,
        mapping.linear.bias.detach().numpy().copy(),
        mean,
        spread,
        tuple(store.terms),
        vectors,
        centre,
        float(mapping.scale.detach().exp()),
        specialists,
    )


def auc(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve of scores (N,) for a yes-no label (N,)."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, scores))


def canonical_aucs(alignment: Alignment, faces: Faces) -> dict[str, float]:
    """Return, per canonical expression, the AUC of its word's score for the faces whose majority it is."""
    rows = [alignment.terms.index(name) for name in CANONICAL]
    scores = alignment.compare(faces.features, alignment.vectors[rows])
    major = faces.votes.argmax(1)
    shares = torch.softmax(torch.from_numpy(scores), 1).numpy()
    return {name: auc(shares[:, i], major == i) for i, name in enumerate(CANONICAL) if (major == i).any()}


def fine_agreement(alignment: Alignment, faces: Faces) -> dict[str, float]:
    """Return how the ranking of fine-grained words relates to what is known of the faces.

    Spearman correlations over faces.

    For each axis: the mean valence (arousal) of the ten best of the 88 fine-grained words, weighted by score, against
    the votes' valence and against the measured liveliness of eyes and mouth.
    """
    from scipy.stats import spearmanr

    store = ontology()
    fine = [index for index, name in enumerate(alignment.terms) if store.term(name).kind == "fine"]
    scores = alignment.compare(faces.features, alignment.vectors[fine])
    place = np.array([[store.term(alignment.terms[i]).valence, store.term(alignment.terms[i]).arousal] for i in fine])
    best = np.argsort(-scores, 1)[:, :10]
    chosen = np.take_along_axis(scores, best, 1)
    weights = np.exp(chosen - chosen.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    ranked = (place[best] * weights[:, :, None]).sum(1)
    valence = faces.votes @ np.array([store.term(name).valence for name in CANONICAL])
    lively = faces.units[:, [UNITS.index("AU5"), UNITS.index("AU26")]].mean(1)
    return {
        "valence": float(spearmanr(ranked[:, 0], valence).statistic),
        "arousal": float(spearmanr(ranked[:, 1], lively).statistic),
    }


def family_accuracy(alignment: Alignment, faces: Faces) -> float:
    """Return how often the best of the 88 fine-grained words belongs to the expression with most votes.

    Neutral faces left out.
    """
    store = ontology()
    fine = [index for index, name in enumerate(alignment.terms) if store.term(name).kind == "fine"]
    scores = alignment.compare(faces.features, alignment.vectors[fine])
    votes = faces.votes.copy()
    shown = votes[:, 0] < 0.2
    families = [store.canonical_of(alignment.terms[i]) for i in fine]
    best, major = scores.argmax(1), votes[:, 1:].argmax(1) + 1
    hits = [CANONICAL[m] in families[b] for b, m in zip(best[shown], major[shown], strict=True)]
    return float(np.mean(hits))


def train_vocabulary(data: Path, weights: Path | None, out: Path, seed: int) -> dict[str, object]:
    """Train the map and the two maps of the unseen-word test, write `out`/vocabulary.npz, and return the numbers.

    Raises:
        DataError: The data folder cannot be used.
        WeightsError: The specialist's weights cannot be used, or a file of the sentence encoder is missing or damaged.
    """
    specialist, encoder = Specialist(weights), TextEncoder()
    digests = [specialist.sha256]
    encoder.encode(["ready"])  # fail before the long part
    faces = read_faces(load_split(data, "train"), specialist, "Reading training faces")
    held = read_faces(load_split(data, "valid"), specialist, "Reading validation faces")
    alignment = fit(faces, encoder, seed, (), tuple(digests))
    out.mkdir(parents=True, exist_ok=True)
    alignment.save(out / "vocabulary.npz")
    unseen = {}
    for name in ("contempt", "disgust"):
        blind = fit(faces, encoder, seed, (name,))
        unseen[name] = canonical_aucs(blind, held)[name]
    numbers = {
        "faces": len(faces.features),
        "validation_faces": len(held.features),
        "auc": canonical_aucs(alignment, held),
        "auc_unseen": unseen,
        "fine_words_family_accuracy": family_accuracy(alignment, held),
        "fine_words_correlation": fine_agreement(alignment, held),
    }
    card = CARD.format(
        seed=seed, specialists=", ".join(f"`{name}`" for name in digests), numbers=json.dumps(numbers, indent=2)
    )
    (out / "vocabulary.md").write_text(card, "utf-8")
    return numbers


CARD: Final = """# Map from faces to words

A linear map (264 to 384 numbers) from the specialist's embedding and logits into the space of the sentence encoder
all-MiniLM-L6-v2 (Apache-2.0), with the encoder's vectors of all terms of the ontology. Ranks any words for a face
without retraining. Apache-2.0.

**Made by** `ferce train vocabulary --data DIR` with seed {seed}, for the specialist's files {specialists}.

**Data.** FER+ training faces (votes MIT; pictures of FER2013, none is shipped). No face is labelled with a fine-grained
word: the target of each face is made from its vote distribution, the ontology's valence and arousal of each term, and
the measured opening of eyes and mouth. So the ranking of fine-grained words follows family, pleasantness and
liveliness, and knows no more than that.

**Measured on the validation faces** (never trained on): AUC of each canonical word; `auc_unseen`: the same for a map
trained without this class's faces, words and all words below it; how often the best of the 88 fine-grained words is of
the right family; rank correlation of the best words' valence and arousal with the votes' valence and the measured
liveliness.

```json
{numbers}
```

**Limits.** The scores are shares among the given words, not probabilities. A word the encoder knows only in another
sense ("blue") is ranked in that sense. An unseen kind of expression is ranked by the likeness of words alone.
"""
