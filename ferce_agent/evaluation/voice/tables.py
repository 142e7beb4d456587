"""Tables of what was measured about voices, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from ferce_agent.evaluation.voice.folds import CLEAN, NOT_SPEECH, Answers


def to_markdown(found: Sequence[Answers]) -> str:
    """Return the table of all methods and conditions, and the confusions of each method on the sound as recorded."""
    emotions = found[0].emotions
    lines = [
        f"{len(found[0].gold)} utterances, each asked about when its speaker was left out.",
        "",
        f"| method | sound | UAR | arousal high/low | called unlike | {' | '.join(emotions)} |",
        f"|---|---|{'---:|' * (3 + len(emotions))}",
    ]
    shown = [one for one in found if one.condition != NOT_SPEECH or one.unlike is not None]
    lines += [f"| {one.method} | {one.condition} | {' | '.join(_figures(one))} |" for one in shown]
    for one in found:
        if one.condition == CLEAN:
            lines += ["", confusion(one)]
    return "\n".join(lines)


def _figures(one: Answers) -> list[str]:
    unlike = "" if one.unlike is None else f"{one.unlike.mean():.2f}"
    if one.condition == NOT_SPEECH:
        return ["", "", unlike, *[""] * len(one.emotions)]
    return [f"{one.uar:.3f}", f"{one.arousal:.3f}", unlike, *(f"{recall:.2f}" for recall in one.recalls)]


def confusion(one: Answers) -> str:
    """Return how often each emotion (rows) was answered as each (columns)."""
    lines = [f"| {one.method}: acted, answered | {' | '.join(one.emotions)} |", f"|---|{'---:|' * len(one.emotions)}"]
    for word, counts in zip(one.emotions, one.confusion, strict=True):
        lines.append(f"| {word} | {' | '.join(str(count) for count in counts)} |")
    return "\n".join(lines)


def as_dicts(found: Sequence[Answers]) -> list[dict[str, object]]:
    """Return the figures as plain data."""
    return [
        {
            "method": one.method,
            "condition": one.condition,
            "uar": round(one.uar, 4),
            "arousal": round(one.arousal, 4),
            "unlike": None if one.unlike is None else round(float(one.unlike.mean()), 4),
            "recall": {w: round(float(r), 4) for w, r in zip(one.emotions, one.recalls, strict=True)},
            "confusion": one.confusion.tolist(),
        }
        for one in found
    ]
