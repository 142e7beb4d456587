"""Open the film of a run: from the run context, from the input, or again where the run goes on from a checkpoint."""

from __future__ import annotations

from typing import Any, Literal

from ferce_agent.clips.analysis import ClipAnalysis
from ferce_agent.errors import ClipAccessError, ClipFormatError, SettingsError
from ferce_agent.graphs.clip_reading import Reading
from ferce_agent.graphs.clip_state import ClipContext, ClipState
from ferce_agent.inputs.clip import Clip, open_camera, open_clip
from ferce_agent.policy.decide import Decision
from ferce_agent.validation.refusal import value_of


def begin(state: ClipState, context: ClipContext, decision: Decision) -> Reading:
    """Open the film of a run, or open it again where the run goes on from a checkpoint.

    Raises:
        InputError: There is no film, it cannot be used, or it is not the one that the checkpoint is about.
        CameraError: The camera cannot be used.
    """
    known = state.get("progress") or {}
    micro, landmarks = switch(state, "micro"), switch(state, "landmarks")
    clip = opened(state, context, start_s=known.get("next_s") or state.get("start_s"))
    try:
        if not known:
            analysis = ClipAnalysis(
                context.engines.pipeline,
                infer=decision.may_infer,
                micro=micro,
                landmarks=landmarks,
                body=context.body,
                frame_rate=rate_of(clip, state.get("fps")),
                baseline=context.baseline or (None if context.calibrate_s else context.engines.baseline),
                calibrate_s=context.calibrate_s,
            )
        else:
            if known["sha256"] is not None and known["sha256"] != clip.info.sha256:
                raise ClipFormatError("This is not the film that was being read.", hint="Give the same film again.")
            analysis = ClipAnalysis.load(context.engines.pipeline, known["analysis"])
        analysis.readings = context.readings
        analysis.begin(clip.info)
        return Reading(clip, analysis, state.get("end_s"))
    except BaseException:
        clip.close()
        raise


def switch(
    state: ClipState, name: Literal["micro", "landmarks", "sound", "keep_words"], *, usual: bool = False
) -> bool:
    """Return whether something is wanted; `usual` where nothing is said.

    Raises:
        SettingsError: The value is neither true nor false.
    """
    value: object = state.get(name)
    if value is not None and not isinstance(value, bool):
        raise SettingsError(f"{name} must be true or false, not {value_of(value)}.")
    return usual if value is None else value


def rate_of(clip: Clip, fps: float | None) -> float | None:
    """Return how many frames a second are read; None where the film does not say."""
    rate = clip.info.frame_rate
    return rate if rate is None or fps is None else min(rate, fps)


def opened(state: ClipState, context: ClipContext, *, start_s: float | None) -> Clip:
    """Open the film; only the run context may bring anything but data URLs and files under its roots.

    Raises:
        InputError: There is no film, or it cannot be used.
        CameraError: The camera cannot be used.
    """
    fps = state.get("fps")
    wanted: dict[str, Any] = {"end_s": state.get("end_s"), "fps": fps}
    if isinstance(context.clip, Clip):
        return context.clip
    if context.camera is not None:
        return open_camera(context.camera, fps=fps)
    if context.clip is not None:
        return open_clip(context.clip, start_s=start_s, **wanted)
    given = context.sent if context.sent is not None else state.get("clip")
    if given is None:
        raise ClipAccessError("No film was given.", hint="Give a data URL in `clip`; films are never stored.")
    if not isinstance(given, str):
        raise ClipFormatError(
            f"`clip` is {type(given).__name__}, not text.", hint="Give a data URL: data:video/mp4;base64,…"
        )
    return open_clip(given, start_s=start_s, roots=context.roots, **wanted)
