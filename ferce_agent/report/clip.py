"""The contract of a clip: `ClipReport` and its parts.

Times are seconds of the film, from its first frame on (for a camera from the first picture on). A track is one face
followed by place and motion from when it appears to when it is gone; nobody is recognised, so somebody who comes back
after a longer absence has a new track.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, overload

from pydantic import Field, StringConstraints, model_validator

from ferce_agent.ontology.ids import ActionUnitId, TermId
from ferce_agent.report.baseline import TrackAgainstRest
from ferce_agent.report.common import (
    Degrees,
    Engine,
    Finite,
    Part,
    Policy,
    Provenance,
    Sha256,
    Signed,
    Text,
    Token,
    Unit,
)
from ferce_agent.report.face import Box, Distribution, Expression, QualityReason, Region, VlmReading
from ferce_agent.report.speech import Fused, ModalityConflict, SoundSource, SpeechTurn
from ferce_agent.report.timed import Count, Seconds, TimeSpan, TrackId

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from matplotlib.figure import Figure

FrameKind = Literal["samples", "episodes", "tracks", "moments", "turns"]
"""What the rows of a data frame are."""
CLIP_SCHEMA_VERSION: Final = "1.2"


class ClipSource(Part):
    """What was analysed. Never a path, a name or pixels."""

    kind: Literal["file", "bytes", "pictures", "frames", "camera"]
    """How it was given."""
    media_type: Annotated[str, StringConstraints(pattern=r"^(video|image|application)/[a-z0-9.+-]+$")]
    """Format found in the data, e.g. ``video/mp4``; ``application/x-pixels`` for arrays and cameras."""
    sha256: Sha256 | None
    """Digest of the encoded file; null where there is none, or it is too large to be read twice."""
    width: Annotated[int, Field(ge=1)]
    """Width in pixels after rotation."""
    height: Annotated[int, Field(ge=1)]
    """Height in pixels after rotation."""
    first_s: Seconds
    """Time of the first frame that was read."""
    last_s: Seconds
    """Time of the last frame that was read."""
    duration_s: Seconds | None
    """How long the film says it is; null where it does not say."""
    frames: Count
    """Frames that were read."""
    frame_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    """Frames a second that were read, by the median distance; null for a single frame."""
    variable_rate: bool
    """Whether the distances between frames differ."""
    audio: bool
    """Whether there is a sound track."""


class TrackPoint(Part):
    """What a face shows at one time: one of the thinned samples of a track, smoothed."""

    time_s: Seconds
    """When."""
    distribution: Distribution | None
    """Probabilities of the eight expressions; null where they could not be read, or may not be."""
    valence: Signed | None
    """Pleasantness, -1 to 1; null where there is no distribution."""
    arousal: Signed | None
    """Activation, -1 to 1; null where there is no distribution."""
    movements: dict[ActionUnitId, Unit]
    """Intensities of the action units that could be seen."""
    eyes_open: Unit | None
    """How wide the eyes are open, 1 = as wide as this face usually has them; null where they could not be seen."""
    yaw: Degrees
    """Head turn; positive: the nose points to the right of the picture."""
    pitch: Degrees
    """Head nod; positive: the nose points up."""
    roll: Degrees
    """Head tilt; positive: clockwise as seen in the picture."""
    gaze_x: Signed | None
    """Where the eyes look within the head, -1 (left in the picture) to 1; null where they could not be seen."""
    gaze_y: Signed | None
    """The same, -1 (down) to 1 (up)."""
    quality: Unit
    """How readable the face is, 1 = nothing in the way."""


Movement = Annotated[str, StringConstraints(pattern=r"^(AU[0-9]+|blink|eye_closure|yawn|glance_away)$")]
"""A movement: an action unit's ontology id, or an event of eyes, mouth and head."""


class Episode(Part):
    """An expression or a movement from its onset over its apex to its offset."""

    id: Token
    """Unique within the report, e.g. ``track-1.episode-3``."""
    expression: TermId | None
    """The expression shown; null for a movement."""
    movement: Movement | None
    """The movement made; null for an expression."""
    side: Literal["left", "right"] | None = None
    """Where only one side moves, which one in the picture."""
    onset_s: Seconds
    """When it begins to rise."""
    apex_s: Seconds
    """When it is strongest."""
    offset_s: Seconds
    """When it has gone back."""
    onset_seen: bool
    """Whether the onset was seen; false where it was under way when the face came into view."""
    offset_seen: bool
    """Whether the offset was seen; false where it was under way when the face went out of view or the film ended."""
    peak: Unit
    """Strength at the apex: probability of the expression, or intensity of the movement."""
    rise_s: Seconds
    """From onset to apex."""
    fall_s: Seconds
    """From apex to offset."""
    confidence: Unit
    """How sure it is that this was there: for an expression its mean probability from rise to fall."""
    rests_on: tuple[Region, ...] = ("eyes", "nose", "mouth")
    """Parts of the face that could be seen throughout."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.expression is None) == (self.movement is None):
            raise ValueError("an episode is of an expression or of a movement")
        if not self.onset_s <= self.apex_s <= self.offset_s:
            raise ValueError("onset, apex and offset are not in order")
        return self


class MicroMovement(Part):
    """A movement of less than half a second that may be a micro-expression; never proof of an emotion."""

    id: Token
    """Unique within the report, e.g. ``track-1.micro-1``."""
    status: Literal["possible"] = "possible"
    """Always only possible: blinks, speech and noise look alike."""
    regions: Annotated[tuple[Literal["brows", "eyes", "nose", "mouth"], ...], Field(min_length=1)]
    """Where the face moved."""
    onset_s: Seconds
    """When it begins."""
    apex_s: Seconds
    """When it is strongest."""
    offset_s: Seconds
    """When it is over."""
    strength: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """How far the skin moved, in percent of the distance between the eyes."""
    confidence: Unit
    """How far it stands out from what moves anyway."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""


GapReason = QualityReason | Literal["not_found", "not_read", "unsure"]
"""Why a face could not be read for a while: a quality reason, no face found, or the specialist failed."""


class Gap(Part):
    """A stretch in which the face could not be read."""

    from_s: Seconds
    """Its beginning."""
    to_s: Seconds
    """Its end."""
    reason: GapReason
    """What was in the way most of the time."""


class EyeSummary(Part):
    """Eyes, mouth and gaze of a face over the clip."""

    method: Token
    """Which model measured them: ``specialist`` or ``mediapipe-landmarks``."""
    seen_s: Seconds
    """How long the eyes could be seen."""
    blinks: Count | None
    """Closures of 0.05 to 0.5 s.

    Null below about 14 frames a second, where one can pass unseen, and where the eyes cannot be judged: always half
    closed, or seen for half a minute without moving, as behind glasses."""
    blinks_per_minute: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    """Rate; null where `blinks` is, and where the eyes were seen for under ten seconds."""
    blink_s: Seconds | None
    """Median duration of a blink; null without one."""
    closures: Count | None
    """Closures of more than half a second; null where none was found and the eyes cannot be judged, see `blinks`."""
    longest_closure_s: Seconds
    """The longest of them; 0 without one."""
    perclos: Unit | None
    """Highest share of a rolling minute with the eyes at least 80 % closed; null for less than a minute, and where
    the eyes cannot be judged, see `blinks`."""
    yawns: Count
    """Mouth wide open for over two seconds."""
    glances_away: Count
    """Turns of head or eyes away from where the face usually looks, of at least half a second."""
    away_s: Seconds
    """How long all of them lasted."""


BodyKind = Literal[
    "leaning_forward",
    "leaning_back",
    "leaning_sideways",
    "arms_crossed",
    "hand_to_face",
    "head_on_hand",
    "shrug",
    "moving_much",
    "keeping_still",
    "coming_closer",
    "moving_away",
]
"""A posture or a gesture; a measured fact, never an expression by itself."""


class BodyFact(Part):
    """A posture or a gesture over a stretch of time."""

    kind: BodyKind
    """Which."""
    span: TimeSpan
    """When."""
    side: Literal["left", "right", "both"] | None = None
    """Which side of the picture, where that matters."""
    strength: Unit
    """How marked it is, by the rule that found it."""
    confidence: Unit
    """How sure: the visibility of the joints it rests on."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""


class Listened(Part):
    """Which engines listened to the sound of a film."""

    activity: Engine
    """Speech detector."""
    voice: Engine | None
    """Voice model."""
    transcriber: Engine | None
    """Speech recogniser."""


class TrackSummary(Part):
    """A face over the whole clip in a few numbers."""

    text: Text
    """In a sentence or two."""
    readable_s: Seconds
    """How long its expression could be read."""
    liveliness: Literal["calm", "moderate", "lively"] | None
    """How much the face moves; null where it was read for under a second."""
    movement_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Mean change of the movements a second, in intensities; what `liveliness` is named after."""
    shares: dict[TermId, Unit]
    """Share of the readable time in which each expression was the one named; what is missing to 1 was not clear."""
    valence: Signed | None
    """Mean over the readable time; null without any."""
    arousal: Signed | None
    """The same."""


class Track(Part):
    """One face from when it appears to when it is gone."""

    id: TrackId
    """``track-1`` was seen first."""
    first_s: Seconds
    """When it appears."""
    last_s: Seconds
    """When it was last seen."""
    frames: Count
    """In how many frames it was seen."""
    box: Box
    """Where it was seen for the largest time: the median box."""
    summary: TrackSummary
    """In short."""
    episodes: tuple[Episode, ...]
    """Expressions and movements by onset; they may overlap."""
    micro: tuple[MicroMovement, ...]
    """Possible micro-expressions; empty where none was looked for (`degraded` says so) or found."""
    gaps: tuple[Gap, ...]
    """Where it could not be read."""
    eyes: EyeSummary | None
    """Eyes, mouth and gaze; null where they could not be measured."""
    samples: tuple[TrackPoint, ...]
    """What it showed over time, thinned to a few hundred points."""
    samples_from: Count
    """How many readings these were thinned from."""
    body: tuple[BodyFact, ...] = ()
    """Posture and gestures that were measured, by time; empty where none were looked for (`degraded` says so)."""
    rest: TrackAgainstRest | None = None
    """The same without the person's baseline; null where none was given or used; since version 1.2."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_s < self.first_s:
            raise ValueError("a track ends before it begins")
        times = [point.time_s for point in self.samples]
        if times != sorted(times):
            raise ValueError("samples are not in the order of their times")
        return self


MomentReason = Literal["apex", "together", "change", "appears", "disappears", "covered", "micro", "eyes_closed"]
"""Why a frame is worth looking at."""


class Moment(Part):
    """A frame that is worth looking at."""

    id: Token
    """Unique within the report, e.g. ``moment-2``."""
    time_s: Seconds
    """When."""
    track: TrackId | None
    """Whose face; null for the whole picture."""
    why: MomentReason
    """Reason code."""
    text: Text
    """In words."""
    expression: Expression | None
    """What the face shows in this frame, read as in a photo; null where it was not."""
    vlm: VlmReading | None
    """What a vision-language model says about it; null where none was asked."""


class Between(Part):
    """Something that two people did together."""

    kind: Literal["followed", "synchrony"]
    """One showed an expression soon after the other; or valence moved together."""
    tracks: tuple[TrackId, TrackId]
    """For `followed` who was first; for `synchrony` the one that leads first."""
    expression: TermId | None
    """Which expression; null for `synchrony`."""
    lag_s: Finite
    """How long the second was behind the first."""
    times: Annotated[int, Field(ge=1)]
    """How often; 1 for `synchrony`."""
    correlation: Signed | None
    """Of the two valence curves at that lag; null for `followed`."""
    p_value: Unit | None
    """Share of time-shuffled curves (or onsets) that agree as well; null where there is too little to test."""
    text: Text
    """In words."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""


class ClipEvidence(Part):
    """Something a statement about a clip can rest on: a span of time and what was measured in it."""

    id: Token
    """Unique within the report."""
    kind: Literal[
        "probability", "movement", "eyes", "flow", "curve", "gap", "vlm", "voice", "prosody", "words", "fusion", "body"
    ]
    """What was measured."""
    text: Text
    """In words."""
    track: TrackId | None
    """Whose face."""
    span: TimeSpan
    """When."""
    value: Finite | None
    """The measured number, where there is one."""


ClipDegradedCode = Literal[
    "no_face",
    "more_faces_than_limit",
    "brief_faces_left_out",
    "face_failed",
    "action_units_not_measured",
    "clip_truncated",
    "clip_damaged",
    "times_missing",
    "times_repaired",
    "frames_thinned",
    "size_changed",
    "limit_reached",
    "stopped_early",
    "frame_rate_too_low",
    "micro_not_looked_for",
    "landmarks_not_installed",
    "vlm_not_configured",
    "vlm_failed",
    "vlm_skipped",
    "sound_not_read",
    "no_speech",
    "sound_damaged",
    "sound_truncated",
    "sound_clipped",
    "sound_quiet",
    "sound_silent",
    "speech_too_short",
    "speech_detector_not_installed",
    "voice_model_not_installed",
    "voice_model_failed",
    "voice_unlike_training",
    "speaker_not_known",
    "baseline_not_applied",
    "words_not_heard",
    "words_not_aligned",
    "language_not_understood",
    "transcriber_failed",
    "body_not_installed",
    "body_failed",
    "policy_restricted",
    "step_failed",
]
"""Reason code of something that was asked for, or could be expected, and could not be done."""


class ClipDegradation(Part):
    """Something that could not be done, or only partly."""

    stage: Token
    """Step of the work."""
    code: ClipDegradedCode
    """Reason code."""
    message: Text
    """What happened and what to do about it."""
    track: TrackId | None = None
    """Whose face, where it concerns one."""
    span: TimeSpan | None = None
    """When, where it concerns a part of the film."""
    count: Annotated[int, Field(ge=1)] | None = None
    """How many things it concerns, where that is known."""


class ClipReport(Part):
    """Who is in a clip from when to when, and what each face shows, with times.

    A person *shows* an expression; what the person feels is not known from a film.
    """

    schema_version: Literal["1.2"] = CLIP_SCHEMA_VERSION
    """Version of this contract."""
    source: ClipSource
    """What was analysed."""
    summary: Text
    """The report in a few sentences."""
    tracks: tuple[Track, ...]
    """Everyone who was followed, by first appearance; empty if no face was found (`degraded` then says ``no_face``)."""
    moments: tuple[Moment, ...]
    """The frames worth looking at, by time."""
    between: tuple[Between, ...]
    """What people did together."""
    sound: SoundSource | None = None
    """The sound track that was listened to; null where there is none or it was not; since version 1.1."""
    listened: Listened | None = None
    """Which engines listened; null where `sound` is."""
    speech: tuple[SpeechTurn, ...] = ()
    """Turns of speech by their beginning; since version 1.1."""
    fused: tuple[Fused, ...] = ()
    """What face, voice and words say together, by time; since version 1.1."""
    conflicts: tuple[ModalityConflict, ...] = ()
    """Where face, voice and words do not go together; since version 1.1."""
    cuts_s: tuple[Seconds, ...]
    """When a new scene begins."""
    policy: Policy
    """Rules applied."""
    evidence: tuple[ClipEvidence, ...]
    """All evidence the statements refer to."""
    provenance: Provenance
    """Engines, versions, timings."""
    degraded: tuple[ClipDegradation, ...]
    """What could not be done."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for names, what in (
            ([entry.id for entry in self.evidence], "evidence ids"),
            ([track.id for track in self.tracks], "track ids"),
            ([moment.id for moment in self.moments], "moment ids"),
            ([turn.id for turn in self.speech], "turn ids"),
            ([episode.id for track in self.tracks for episode in _parts_of(track)], "episode ids"),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} repeat")
        missing = set(self.references()) - {entry.id for entry in self.evidence}
        if missing:
            raise ValueError(f"statements rest on evidence that is not in the report: {sorted(missing)}")
        strangers = set(self._named_tracks()) - {track.id for track in self.tracks}
        if strangers:
            raise ValueError(f"tracks are named that are not in the report: {sorted(strangers)}")
        if not self.tracks and not any(entry.code == "no_face" for entry in self.degraded):
            raise ValueError("a report without tracks says no_face in degraded")
        return self

    def save(self, path: str | os.PathLike[str], *, pictures: Mapping[str, bytes] | None = None) -> Path:
        """Write the report in the format that the file's ending names, whole or not at all, and return the file.

        Args:
            path: File ending with ``.html``, ``.json``, ``.txt``, or ``.csv`` (a row for each episode, possible
                micro-expression, posture, gap and turn of speech).
            pictures: JPEG pictures by the ids of the moments; shown on the HTML page.

        Raises:
            SettingsError: The ending is not known, or the file cannot be written.
        """
        from ferce_agent.views.saving import save_clip_report

        return save_clip_report(self, path, pictures)

    def plot(self, track: str | None = None, *, width: float = 7.0) -> Figure:
        """Return the report as a matplotlib figure: for each face what it shows over time, a row for each quantity.

        Notebooks show it; ``savefig`` writes it. Episodes are bars with the apex marked, open where an end was not
        seen; below them the probabilities of all expressions that ever reach 0.1, so that doubt is seen as rows that
        rise together; valence, arousal, eyes and movements. Gaps are hatched and their reasons written below. Moments
        are numbered, cuts are lines. pyplot is not used, so no figure has to be closed.

        Args:
            track: Id of the one face to draw; None: up to four, those that are seen longest.
            width: Width in inches, 3 to 20.

        Raises:
            MissingExtraError: matplotlib is not installed.
            SettingsError: There is no such track, or `width` is out of range.
        """
        from ferce_agent.views.clip_figures import clip_figure

        return clip_figure(self, track, width=width)

    @overload
    def to_frame(self, kind: FrameKind = "samples", library: Literal["pandas"] = "pandas") -> pd.DataFrame: ...
    @overload
    def to_frame(self, kind: FrameKind, library: Literal["polars"]) -> pl.DataFrame: ...
    @overload
    def to_frame(self, kind: FrameKind = "samples", *, library: Literal["polars"]) -> pl.DataFrame: ...
    def to_frame(self, kind: FrameKind = "samples", library: str = "pandas") -> pd.DataFrame | pl.DataFrame:
        """Return a part of the report as a data frame, tracks one after another; times are seconds of the film.

        What is not known is a missing value. A report without a face gives frames with all columns and without rows.

        Args:
            kind: What the rows are: ``samples``, what each face shows over time (columns as of the CSV file of
                readings: action units and probabilities from 0 to 1, ``Pitch``, ``Roll`` and ``Yaw`` in radians);
                ``episodes``, expressions, movements, possible micro-expressions, postures, gaps and turns of speech;
                ``tracks``, each face in a few numbers; ``moments``, the frames worth looking at; ``turns``, turns of
                speech with their prosody.
            library: ``pandas`` or ``polars``.

        Raises:
            SettingsError: Another kind or library is named.
            MissingExtraError: The library is not installed.
        """
        from ferce_agent.views.frames import clip_frame

        return clip_frame(self, kind, library)

    def _repr_html_(self) -> str:
        """Return the report as a fragment for notebooks: text, and a time line for each face."""
        from ferce_agent.views.clip_page import to_clip_fragment

        return to_clip_fragment(self)

    def references(self) -> Iterator[str]:
        """Yield the ids of the evidence that the statements rest on; some come more than once."""
        for track in self.tracks:
            for episode in _parts_of(track):
                yield from episode.evidence
            for fact in track.body:
                yield from fact.evidence
        stated: tuple[Between | SpeechTurn | Fused | ModalityConflict, ...]
        stated = (*self.between, *self.speech, *self.fused, *self.conflicts)
        for one in stated:
            yield from one.evidence

    def _named_tracks(self) -> Iterator[str]:
        for one in self.between:
            yield from one.tracks
        parts: tuple[Moment | ClipEvidence | ClipDegradation, ...] = (*self.moments, *self.evidence, *self.degraded)
        yield from (entry.track for entry in parts if entry.track is not None)
        heard: tuple[Fused | ModalityConflict, ...] = (*self.fused, *self.conflicts)
        yield from (one.track for one in heard if one.track is not None)
        yield from (turn.speaker for turn in self.speech if turn.speaker not in (None, "off_camera"))


def _parts_of(track: Track) -> tuple[Episode | MicroMovement, ...]:
    return (*track.episodes, *track.micro)


def clip_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `ClipReport` as serialised."""
    schema = ClipReport.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:ferce-agent:clip-report:{CLIP_SCHEMA_VERSION}",
        **schema,
    }
