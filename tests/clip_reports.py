"""Valid reports on clips for tests, as a film would give them: curves, episodes that fit them, gaps, moments."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any, Final, get_args

import numpy as np

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.report import (
    Between,
    Box,
    ClipDegradation,
    ClipEvidence,
    ClipReport,
    ClipSource,
    Distribution,
    Episode,
    EyeSummary,
    Gap,
    MicroMovement,
    Moment,
    Policy,
    QualityReason,
    TimeSpan,
    Track,
    TrackPoint,
    TrackSummary,
)
from ferce_agent.report.clip import ClipDegradedCode, MomentReason
from ferce_agent.report.clip_events import ReadingEvent
from tests.factories import make_provenance

UNITS: Final = ("AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU9", "AU10", "AU12", "AU14", "AU15", "AU17", "AU25", "AU26")
ALLOWED: Final = Policy(
    decision="allowed",
    rules=("readily_apparent_expression",),
    notice="Tell the people shown that their expressions are analysed.",
)
SHOWN: Final[dict[str, tuple[float, float, tuple[str, ...]]]] = {
    "happiness": (0.8, 0.4, ("AU6", "AU12", "AU25")),
    "sadness": (-0.6, -0.4, ("AU1", "AU4", "AU15")),
    "surprise": (0.2, 0.7, ("AU1", "AU2", "AU5", "AU26")),
    "anger": (-0.6, 0.6, ("AU4", "AU7")),
}
"""Expression to valence, arousal and the movements that go with it."""


def make_source(last: float = 12.0, **changes: Any) -> ClipSource:
    """A film of 640 by 480 pixels at 25 frames a second from 0 to `last` seconds."""
    fields: dict[str, Any] = {
        "kind": "file",
        "media_type": "video/mp4",
        "sha256": "d" * 64,
        "width": 640,
        "height": 480,
        "first_s": 0.0,
        "last_s": last,
        "duration_s": last + 0.04,
        "frames": round(last * 25) + 1,
        "frame_rate": 25.0,
        "variable_rate": False,
        "audio": True,
    }
    return ClipSource(**(fields | changes))


def make_clip_report(**changes: Any) -> ClipReport:
    """Two people for twelve seconds: the first smiles, is covered, is sad; the second smiles after the first."""
    first = make_track(
        1,
        (0.0, 12.0),
        episodes=[("happiness", 0.7, 1.6, 4.0), ("sadness", 8.0, 9.5, 12.0)],
        gaps=[(5.0, 6.4, "mouth_covered")],
        x=120,
    )
    second = make_track(2, (1.5, 10.4), episodes=[("happiness", 2.1, 3.0, 5.2)], gaps=[(8.0, 8.6, "unsure")], x=380)
    tracks = (first, second)
    together = ClipEvidence(
        id="between.1",
        kind="curve",
        text="Face 2 began 1.4 s after face 1.",
        track=None,
        span=span(0.7, 2.1),
        value=1.4,
    )
    fields: dict[str, Any] = {
        "source": make_source(12.0),
        "summary": "Two people over 12 seconds. Face 1 shows happiness, later sadness; face 2 shows happiness.",
        "tracks": tracks,
        "moments": tuple(moments(tracks)),
        "between": (
            Between(
                kind="followed",
                tracks=("track-1", "track-2"),
                expression="happiness",
                lag_s=1.4,
                times=1,
                correlation=None,
                p_value=None,
                text="Face 2 shows happiness 1.4 s after face 1.",
                evidence=("between.1",),
            ),
        ),
        "cuts_s": (),
        "policy": ALLOWED,
        "evidence": (*evidence(tracks), together),
        "provenance": make_provenance(timings_ms={"read": 812.0, "follow": 2140.0, "smooth": 31.0}),
        "degraded": (
            ClipDegradation(
                stage="read", code="sound_not_read", message="The sound track was not read.", track=None, span=None
            ),
            ClipDegradation(
                stage="micro",
                code="micro_not_looked_for",
                message="Micro-expressions were not looked for; --micro does.",
            ),
        ),
    }
    return ClipReport(**(fields | changes))


def make_empty_clip_report(**changes: Any) -> ClipReport:
    """A film without a face."""
    fields: dict[str, Any] = {
        "source": make_source(3.0, audio=False),
        "summary": "No face was found.",
        "tracks": (),
        "moments": (),
        "between": (),
        "cuts_s": (1.2,),
        "policy": ALLOWED,
        "evidence": (),
        "provenance": make_provenance(),
        "degraded": (ClipDegradation(stage="detect", code="no_face", message="No face was found. Try a larger one."),),
    }
    return ClipReport(**(fields | changes))


def make_covered_clip_report(**changes: Any) -> ClipReport:
    """One face that can never be read: it is covered from beginning to end."""
    track = make_track(1, (0.0, 4.0), episodes=[], gaps=[(0.0, 4.0, "likely_occluded")])
    summary = TrackSummary(
        text="Face 1 could not be read.",
        readable_s=0.0,
        liveliness=None,
        movement_rate=0.0,
        shares={},
        valence=None,
        arousal=None,
    )
    blank: dict[str, Any] = {"distribution": None, "valence": None, "arousal": None, "movements": {}, "eyes_open": None}
    points = tuple(point.model_copy(update=blank | {"quality": 0.1}) for point in track.samples)
    track = track.model_copy(update={"summary": summary, "samples": points, "eyes": None, "episodes": (), "micro": ()})
    fields: dict[str, Any] = {
        "source": make_source(4.0),
        "summary": "One face, which could not be read: part of it is probably covered.",
        "tracks": (track,),
        "moments": (),
        "between": (),
        "cuts_s": (),
        "policy": ALLOWED,
        "evidence": (),
        "provenance": make_provenance(),
        "degraded": (),
    }
    return ClipReport(**(fields | changes))


def make_restricted_clip_report(**changes: Any) -> ClipReport:
    """The two people of `make_clip_report` where a rule allows movements only."""
    report = make_clip_report()
    blank: dict[str, Any] = {"distribution": None, "valence": None, "arousal": None}
    tracks = [
        track.model_copy(
            update={
                "episodes": tuple(one for one in track.episodes if one.expression is None),
                "samples": tuple(point.model_copy(update=blank) for point in track.samples),
                "summary": track.summary.model_copy(update={"shares": {}, "valence": None, "arousal": None}),
            }
        )
        for track in report.tracks
    ]
    note = ClipDegradation(stage="policy", code="policy_restricted", message="Only movements are reported.")
    policy = report.policy.model_copy(update={"decision": "restricted"})
    fields = {"tracks": tuple(tracks), "policy": policy, "degraded": (*report.degraded, note), "between": ()}
    return report.model_copy(update=fields | changes)


def make_long_clip_report(tracks: int = 8, hours: float = 1.0, seed: int = 0, words: str = "Some words.") -> ClipReport:
    """A long film with everything that a report can hold; the same for the same seed."""
    rng, last = random.Random(seed), 3600 * hours
    people = tuple(_random_track(number, last, rng, words) for number in range(1, tracks + 1))
    codes = [code for code in get_args(ClipDegradedCode) if code != "no_face"]
    proofs = [
        ClipEvidence(id=f"between.{n}", kind="curve", text=words, track=None, span=span(1, 2), value=0.5)
        for n in range(tracks)
    ]
    return ClipReport(
        source=make_source(last, sha256=None, variable_rate=True),
        summary=words,
        tracks=people,
        moments=tuple(moments(people, words))[:24],
        between=tuple(
            Between(
                kind="synchrony" if n % 2 else "followed",
                tracks=(f"track-{n + 1}", f"track-{(n + 1) % tracks + 1}"),
                expression=None if n % 2 else "happiness",
                lag_s=round(rng.uniform(-2, 2) if n % 2 else rng.uniform(0, 2), 2),
                times=1 if n % 2 else rng.randint(1, 30),
                correlation=round(rng.uniform(-1, 1), 2) if n % 2 else None,
                p_value=round(rng.random(), 3),
                text=words,
                evidence=(f"between.{n}",),
            )
            for n in range(tracks if tracks > 1 else 0)
        ),
        cuts_s=tuple(round(last * n / 40, 2) for n in range(1, 40)),
        policy=ALLOWED,
        evidence=(*evidence(people), *proofs),
        provenance=make_provenance(),
        degraded=tuple(ClipDegradation(stage="read", code=code, message=words, count=3) for code in codes),
    )


def _random_track(number: int, last: float, rng: random.Random, words: str) -> Track:
    start, end = sorted((rng.uniform(0, last / 3), rng.uniform(last / 2, last)))
    at, shown, gaps = start + 1.0, [], []
    while at < end - 20:
        length = rng.uniform(0.6, 12.0)
        shown.append((rng.choice(list(SHOWN)), at, at + length * rng.uniform(0.2, 0.6), at + length))
        if rng.random() < 0.2:
            gaps.append((at + length, at + length + rng.uniform(0.5, 4.0), rng.choice(get_args(QualityReason))))
        at += length + rng.expovariate(1 / 45)
    track = make_track(number, (start, end), episodes=shown, gaps=gaps, x=40 + 60 * number, points=500)
    summary = track.summary.model_copy(update={"text": words})
    return track.model_copy(update={"summary": summary})


def make_track(
    number: int,
    seen: tuple[float, float],
    *,
    episodes: list[tuple[str, float, float, float]],
    gaps: list[tuple[float, float, str]],
    x: float = 200,
    points: int = 120,
) -> Track:
    """A face seen from `seen[0]` to `seen[1]` with expressions (term, onset, apex, offset) and gaps (from, to, why)."""
    name, (start, end) = f"track-{number}", seen
    times = np.linspace(start, end, points)
    samples = tuple(sample(float(time), episodes, gaps) for time in times)
    micro = MicroMovement(
        id=f"{name}.micro-1",
        regions=("brows",),
        onset_s=start + 0.2,
        apex_s=start + 0.3,
        offset_s=start + 0.4,
        strength=1.4,
        confidence=0.41,
        evidence=(f"{name}.flow",),
    )
    share = sum(offset - onset for _, onset, _, offset in episodes) / max(end - start, 1e-9)
    return Track(
        id=name,
        first_s=start,
        last_s=end,
        frames=round((end - start) * 25) + 1,
        box=Box(x=x, y=140, width=90, height=110),
        summary=TrackSummary(
            text=f"Face {number} shows {' and '.join({term: 0 for term, *_ in episodes}) or 'nothing clear'}.",
            readable_s=max(0.0, end - start - sum(to - since for since, to, _ in gaps)),
            liveliness="moderate",
            movement_rate=0.31,
            shares={episodes[0][0]: min(round(share, 3), 1.0)} if episodes else {},
            valence=0.31,
            arousal=0.12,
        ),
        episodes=tuple(sorted(_episodes(name, seen, episodes), key=lambda episode: episode.onset_s)),
        micro=(micro,),
        gaps=tuple(Gap(from_s=since, to_s=to, reason=why) for since, to, why in gaps),
        eyes=EyeSummary(
            method="specialist",
            seen_s=end - start,
            blinks=4,
            blinks_per_minute=round(4 / (end - start) * 60, 1) if end - start >= 10 else None,
            blink_s=0.16,
            closures=1,
            longest_closure_s=0.7,
            perclos=0.06 if end - start >= 60 else None,
            yawns=0,
            glances_away=1,
            away_s=1.1,
        ),
        samples=samples,
        samples_from=round((end - start) * 25) + 1,
    )


def _episodes(name: str, seen: tuple[float, float], shown: list[tuple[str, float, float, float]]) -> Iterator[Episode]:
    spans: list[tuple[str | None, str | None, float, float, float]] = []
    for name_of, onset, apex, offset in shown:
        spans.append((name_of, None, onset, apex, offset))
        spans += [(None, unit, onset, apex, offset) for unit in SHOWN[name_of][2][:2]]
    middle = (seen[0] + seen[1]) / 2
    spans += [(None, "blink", middle, middle + 0.08, middle + 0.16)]
    spans += [(None, "glance_away", middle + 0.5, middle + 0.9, middle + 1.6)]
    for place, (term, movement, onset, apex, offset) in enumerate(spans, 1):
        yield Episode(
            id=f"{name}.episode-{place}",
            expression=term,
            movement=movement,
            onset_s=onset,
            apex_s=apex,
            offset_s=offset,
            onset_seen=onset > seen[0],
            offset_seen=offset < seen[1],
            peak=0.86,
            rise_s=round(apex - onset, 3),
            fall_s=round(offset - apex, 3),
            confidence=0.74,
            evidence=(f"{name}.curve",),
        )


def sample(
    time: float, episodes: list[tuple[str, float, float, float]], gaps: list[tuple[float, float, str]]
) -> TrackPoint:
    """What a face shows at a time: each expression rises to its apex and falls, half a sine each way."""
    blank = any(since <= time <= to for since, to, _ in gaps)
    weights = {term: strength(time, *rest) for term, *rest in episodes if strength(time, *rest) > 0}
    shares = {term: 0.88 * weight for term, weight in weights.items()}
    rest = max(1 - sum(shares.values()), 0.0)
    spread = {name: 0.01 for name in CANONICAL if name not in shares and name != "neutral"}
    rest -= sum(spread.values())
    everything = {"neutral": max(rest, 0.0)} | spread | shares
    total = sum(everything.values())
    level = {name: share / total for name, share in everything.items()}
    lively = dict.fromkeys(UNITS, 0.03)
    for term, weight in weights.items():
        lively |= {unit: round(0.9 * weight, 4) for unit in SHOWN[term][2]}
    return TrackPoint(
        time_s=time,
        distribution=None if blank else Distribution(**level),
        valence=None if blank else sum(SHOWN[term][0] * weight for term, weight in weights.items()) * 0.9,
        arousal=None if blank else sum(SHOWN[term][1] * weight for term, weight in weights.items()) * 0.9,
        movements={} if blank else lively,
        eyes_open=None if blank else 0.9,
        yaw=20 * math.sin(time),
        pitch=3.0,
        roll=-1.0,
        gaze_x=None if blank else 0.1,
        gaze_y=None if blank else -0.1,
        quality=0.2 if blank else 0.9,
    )


def strength(time: float, onset: float, apex: float, offset: float) -> float:
    """Return how strong an episode is at a time, 0 to 1."""
    if not onset < time < offset:
        return 0.0
    share = (time - onset) / (apex - onset) if time <= apex else (offset - time) / (offset - apex)
    return math.sin(min(share, 1.0) * math.pi / 2)


def span(since: float, to: float) -> TimeSpan:
    return TimeSpan(from_s=since, to_s=to)


def evidence(tracks: tuple[Track, ...]) -> Iterator[ClipEvidence]:
    """Yield what the episodes and micro-movements of `make_track` rest on."""
    for track in tracks:
        whole = span(track.first_s, track.last_s)
        for kind in ("curve", "flow"):
            text = f"The {kind} of {track.id}."
            yield ClipEvidence(id=f"{track.id}.{kind}", kind=kind, text=text, track=track.id, span=whole, value=0.74)


def moments(tracks: tuple[Track, ...], words: str = "The strongest expression.") -> Iterator[Moment]:
    """Yield a moment at each apex of an expression, by time, and one of the whole picture."""
    reasons = get_args(MomentReason)
    apexes = [
        (episode.apex_s, track.id) for track in tracks for episode in track.episodes if episode.expression is not None
    ]
    for place, (time, track) in enumerate(sorted(apexes), 1):
        why: MomentReason = "apex" if place % 3 else reasons[place % len(reasons)]
        yield Moment(id=f"moment-{place}", time_s=time, track=track, why=why, text=words, expression=None, vlm=None)
    if apexes:
        time = max(time for time, _ in apexes)
        yield Moment(
            id=f"moment-{len(apexes) + 1}",
            time_s=time,
            track=None,
            why="together",
            text=words,
            expression=None,
            vlm=None,
        )


def make_readings(seconds: float = 2.0, rate: float = 25.0, faces: int = 1) -> Iterator[ReadingEvent]:
    """Yield the readings of faces that smile and move to the right; the first three frames are carried on."""
    shown = [("happiness", 0.3 * seconds, 0.5 * seconds, 0.8 * seconds)]
    for frame in range(int(seconds * rate)):
        for face in range(1, faces + 1):
            yield ReadingEvent(
                frame=frame,
                track=f"track-{face}",
                box=Box(x=20 + 120 * face + frame, y=60, width=80, height=100),
                score=0.9,
                carried=frame % 4 != 0,
                reasons=("blurred",) if frame % 10 == 9 else (),
                point=sample(frame / rate, shown, [(0.9 * seconds, 0.95 * seconds, "blurred")]),
            )


assert set(UNITS) <= set(ontology().action_units)
