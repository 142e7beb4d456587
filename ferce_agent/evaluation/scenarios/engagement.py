"""How well the engagement scenario tells planted gaze: shares, slides, glances and blinks, and what it must not tell.

People are made: before each slide they turn away for some seconds now and then, more before some slides than before
others. Angles are read with an error of each face and of each reading; films begin at different times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.analysis import ClipAnalysis
from ferce_agent.errors import PolicyError
from ferce_agent.evaluation.clips.eye_films import MarkedFace, marked_faces
from ferce_agent.evaluation.scenarios.driver_films import DriverFilm
from ferce_agent.evaluation.scenarios.drives import ramp
from ferce_agent.evaluation.scenarios.made_audiences import on_and_off
from ferce_agent.evaluation.scenarios.made_viewers import MadeFace, made_events, still_face
from ferce_agent.pipeline import default_pipeline
from ferce_agent.policy.decide import permit
from ferce_agent.policy.use import UseContext
from ferce_agent.report.scenario import Indicator
from ferce_agent.scenarios.engagement import EngagementOptions, EngagementStudy
from ferce_agent.scenarios.engagement_numbers import FACING
from ferce_agent.scenarios.preset import preset
from ferce_agent.scenarios.study import Findings, read_options

PEOPLE: Final = (5, 8, 20)
"""Sizes of groups."""
SLIDES: Final = (0.95, 0.6, 0.85, 0.4)
"""Mean share of the time in which people are turned to the screen, by slide."""
SLIDE_S: Final = 30
RATE: Final = 4
"""Readings a second, as `on_and_off` draws them."""
AWAY_S: Final = 4.0
"""How long a look away lasts on average."""
CONCENTRATION: Final = 8.0
"""Of the beta distribution of people's own shares: the larger, the more alike they are."""
BLINKS: Final = 17.0
"""Blinks a minute on average; people differ by a third of it."""
FACE_ERROR, READING_ERROR = 4.0, 4.0
"""Standard deviations in degrees by which angles of a face, and of a single reading, are wrong."""
SHIFT_S: Final = 5.0
"""Films begin up to so long before the content."""
FILM_S, FILM_RATE, TURN_S = 12.0, 8.0, 0.25
"""Films that are read from their pixels: length, frames a second, and how long a head turns, in seconds."""
FACES: Final = 5
"""Films of a group; where there are fewer faces, some show the same one in different films."""
AT_SCHOOL: Final = UseContext(domain="education", jurisdiction="eu")

Row = dict[str, Any]
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """One made person.

    Attributes:
        face: Their film.
        shift_s: Where the content begins in it.
        shares: How long they were truly turned to the screen, by slide.
    """

    face: MadeFace
    shift_s: float
    shares: tuple[float, ...]


def engagement_tables(seed: int, *, groups: int = 12, films: int = 3) -> list[Row]:
    """Return what was told of what was planted.

    Args:
        seed: Of everything that is drawn.
        groups: Groups of each size.
        films: Groups of five whose films are read from their pixels: public-domain faces that turn away once.

    Returns:
        Rows with ``what`` and ``people``: for ``slides`` the mean difference of the share told from what these people
        did (``error``), how often the interval holds the mean of everybody (``held``), its ``width``, and how often
        two slides one after the other are told in their true order (``order``); for ``blinks`` ``error``, ``held`` and
        ``width`` in blinks a minute; for ``pixels`` ``error`` and ``held`` of the share in films; for ``too few`` how
        many numbers were told of four people, and for ``at school`` how many beyond movements, and to a single person
        (``told``).
    """
    rows: list[Row] = []
    for count in PEOPLE:
        source = np.random.default_rng(seed + count)
        runs = [made_group(count, source) for _ in range(groups)]
        found = [(run, studied(run)) for run in runs]
        rows += [_slides(count, found), _blinks(count, found)]
    source = np.random.default_rng(seed)
    few = [studied(made_group(4, source)) for _ in range(groups)]
    school = [studied(made_group(6, source), AT_SCHOOL) for _ in range(2)]
    patterns = [one for found in school for one in found.indicators if "with_lids" in one.id and one.value is not None]
    return [
        *rows,
        *([_pixels(films, seed)] if films else []),
        {"what": "too few", "people": 4, "groups": groups, "told": sum(_numbers(one) for one in few)},
        {"what": "at school", "people": 6, "groups": len(school), "told": len(patterns)},
        {"what": "at school", "people": 1, "groups": 1, "told": int(not _is_refused(made_group(1, source)))},
    ]


def made_group(count: int, source: np.random.Generator) -> list[Seen]:
    """Return the films of some people before the same slides."""
    means = np.array(SLIDES)[:, None]
    own = source.beta(CONCENTRATION * means, CONCENTRATION * (1 - means), (len(SLIDES), count))
    away = np.concatenate([on_and_off(1 - one, AWAY_S, SLIDE_S * RATE, source) for one in own], axis=1)
    return [_person(one, source) for one in away]


def _person(away: NDArray[np.bool_], source: np.random.Generator) -> Seen:
    shift = round(float(source.uniform(0, SHIFT_S)) * RATE) / RATE
    before = np.zeros(round(shift * RATE), np.bool_)
    turned = np.concatenate([before, away])
    times = np.arange(len(turned)) / RATE
    side = source.choice([-1.0, 1.0])
    true = np.where(turned, side * source.uniform(28, 60), source.normal(0, 6))
    error = source.normal(0, FACE_ERROR) + source.normal(0, READING_ERROR, len(times))
    often = max(source.normal(BLINKS, BLINKS / 3), 2.0)
    blinks = np.sort(source.uniform(0, times[-1], source.poisson(often * times[-1] / 60)))
    face = still_face(times, yaw=true + error, blinks=blinks.tolist())
    shares = 1 - away.reshape(len(SLIDES), -1).mean(1)
    return Seen(face, shift, tuple(shares.tolist()))


def studied(people: Sequence[Seen], use: UseContext | None = None, **more: Any) -> Findings:
    """Return what the study finds of some people.

    Raises:
        PolicyError: The use is not allowed.
    """
    chosen = preset("engagement")
    given = {
        "markers": [[at * SLIDE_S, f"Slide {at + 1}"] for at in range(len(SLIDES))],
        "offset_s": [one.shift_s for one in people],
        "length_s": len(SLIDES) * SLIDE_S,
        **more,
    }
    options: Any = read_options(EngagementStudy, given)
    decision = permit(use or chosen.use, remote=False, scenario="engagement")
    study = EngagementStudy(chosen, options, decision)
    for number, one in enumerate(people):
        study.begin(number, None)
        for event in made_events([one.face]):
            study.clip(number, event)
    return study.finish()


def _slides(count: int, found: Sequence[tuple[Sequence[Seen], Findings]]) -> Row:
    """Return how well the shares of slides are told."""
    errors: list[float] = []
    held: list[bool] = []
    widths: list[float] = []
    order: list[bool] = []
    for people, findings in found:
        told = [_named(findings, f"slide-{at + 1}.facing") for at in range(len(SLIDES))]
        true = np.mean([one.shares for one in people], axis=0).tolist()
        values = [one.value for one in told if one.value is not None]
        errors += [abs(one.value - share) for one, share in zip(told, true, strict=True) if one.value is not None]
        held += [_holds(one, share) for one, share in zip(told, SLIDES, strict=True)]
        widths += [one.high - one.low for one in told if one.low is not None and one.high is not None]
        order += (np.sign(np.diff(values)) == np.sign(np.diff(true))).tolist() if len(values) == len(true) else []
    return {
        "what": "slides",
        "people": count,
        "groups": len(found),
        "error": float(np.mean(errors)),
        "error_95": float(np.percentile(errors, 95)),
        "held": float(np.mean(held)),
        "width": float(np.mean(widths)),
        "order": float(np.mean(order)),
    }


def _blinks(count: int, found: Sequence[tuple[Sequence[Seen], Findings]]) -> Row:
    """Return how well the rate of blinks is told."""
    told = [(people, _named(findings, "blinks_per_minute")) for people, findings in found]
    errors = [
        abs(one.value - float(np.mean([60 * len(each.face.blinks or ()) / each.face.times[-1] for each in people])))
        for people, one in told
        if one.value is not None
    ]
    widths = [one.high - one.low for _, one in told if one.low is not None and one.high is not None]
    return {
        "what": "blinks",
        "people": count,
        "groups": len(found),
        "error": float(np.mean(errors)),
        "held": float(np.mean([_holds(one, BLINKS) for _, one in told])),
        "width": float(np.mean(widths)),
    }


def _pixels(films: int, seed: int) -> Row:
    """Return how well the share is told of films that are read from their pixels."""
    source, errors, held = np.random.default_rng(seed), [], []
    faces = marked_faces()
    chosen = preset("engagement")
    for _ in range(films):
        study: Any = EngagementStudy(
            chosen, EngagementOptions(step_s=FILM_S), permit(chosen.use, remote=False, scenario="engagement")
        )
        true = []
        for number in range(FACES):
            film, share = _film(faces[number % len(faces)], source)
            true.append(share)
            study.begin(number, None)
            analysis = ClipAnalysis(default_pipeline(), infer=False, body=False)
            analysis.readings = True
            for event in (*analysis.feed(list(film)), *analysis.finish()):
                study.clip(number, event)
        told = _named(study.finish(), FACING.id)
        errors += [abs(told.value - float(np.mean(true)))] if told.value is not None else []
        held.append(_holds(told, float(np.mean(true))))
    return {
        "what": "pixels",
        "people": FACES,
        "groups": films,
        "error": float(np.mean(errors)) if errors else None,
        "held": float(np.mean(held)),
    }


def _film(face: MarkedFace, source: np.random.Generator) -> tuple[DriverFilm, float]:
    """Return a film of a head that turns away once, and the share of the time in which it is turned to the screen."""
    film = DriverFilm(face, FILM_RATE, seconds=FILM_S, seed=int(source.integers(2**31)))
    angle, hold = float(source.uniform(40, 44)), float(source.uniform(2, 5))
    turn = ramp(float(source.uniform(2, 4)), TURN_S, hold, TURN_S, float(source.choice([-1, 1])) * angle)
    film.yaw.append(turn)
    times = np.arange(0, FILM_S, 0.01)
    return film, float((np.abs(turn(times)) <= preset("engagement").value("facing_yaw")).mean())


def _named(found: Findings, name: str) -> Indicator:
    return next(one for one in found.indicators if one.id == name)


def _holds(one: Indicator, truth: float) -> bool:
    return one.low is not None and one.high is not None and one.low <= truth <= one.high


def _numbers(found: Findings) -> int:
    """Return how many numbers are told, of points of curves as well."""
    points = sum(point.value is not None for one in found.curves for point in one.points)
    return points + sum(one.value is not None for one in found.indicators)


def _is_refused(people: Sequence[Seen]) -> bool:
    try:
        studied(people, AT_SCHOOL, own=True)
    except PolicyError:
        return True
    return False
