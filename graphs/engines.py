"""The models of one process as the workflows use them: pipeline, vision-language model, event classifier."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version as package_version

import numpy as np

from ferce_agent.concurrency.lazy import lazy_property, once
from ferce_agent.context.composition import EnginesUsed
from ferce_agent.context.events import EventMatcher
from ferce_agent.errors import DataError
from ferce_agent.keeping.baselines import read_baseline
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.pipeline import Pipeline
from ferce_agent.policy.decide import Decision, check_sending, permit
from ferce_agent.policy.use import NOT_STATED, UseContext, UseLike, read_use
from ferce_agent.reasoning.expression import interpret
from ferce_agent.reasoning.fusion import Reliability, fuse
from ferce_agent.reasoning.second_opinion import trust_in
from ferce_agent.report import ActionUnitReading, Engine, Expression, Quality, slug
from ferce_agent.report.baseline import Baseline
from ferce_agent.settings import Settings
from ferce_agent.vlm.ask import Asker
from ferce_agent.vlm.backends import load_vlm
from ferce_agent.vlm.bank import Bank
from ferce_agent.vlm.extraction.perception import ExtractedPerception
from ferce_agent.vlm.protocol import VisionLanguageModel
from ferce_agent.voice.transcriber import Transcriber


@dataclass
class Engines:
    """All models of a process. Share one object between calls: models load once, on first use.

    Attributes:
        settings: What can be chosen.
        vlm: Vision-language model, instead of one named in the settings.
        use: What whoever runs the engines says about their use; callers can state more, but cannot loosen it.
        transcriber: Speech recogniser, instead of the Whisper model named in the settings.
        pipeline: Detector, specialist and vocabulary.
    """

    settings: Settings = field(default_factory=Settings)
    vlm: VisionLanguageModel | None = None
    use: UseContext = NOT_STATED
    transcriber: Transcriber | None = None
    pipeline: Pipeline = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the engines; no file is read yet."""
        self.pipeline = Pipeline(self.settings)

    @lazy_property
    def asker(self) -> Asker | None:
        """How the vision-language model is asked; None if there is none.

        Raises:
            SettingsError: The settings name no usable model.
        """
        vlm = self.vlm or (load_vlm(self.settings.vlm, self.settings.threads) if self.settings.vlm else None)
        return Asker(vlm, self.settings, self.pipeline.specialist.sha256 if self.settings.bank else "") if vlm else None

    @lazy_property
    def reliability(self) -> Reliability | None:
        """How far the model's label may move the probabilities; None if there is no model or that was never measured.

        Raises:
            DataError: The file cannot be read, or is about another model or prompt.
        """
        if self.settings.vlm_reliability is None or self.asker is None:
            return None
        table = Reliability.load(self.settings.vlm_reliability)
        if (table.model, table.prompt) != (self.asker.vlm.version, self.asker.faces.prompt.reference):
            raise DataError(
                f"{self.settings.vlm_reliability.name} is about {table.model} with {table.prompt}.",
                hint="Measure this model: ferce vlm calibrate",
            )
        return table

    @lazy_property
    def baseline(self) -> Baseline | None:
        """The personal baseline of the settings, for runs that are given none; None if none is set.

        Raises:
            DataError: There is none of this name, or it cannot be opened.
            SettingsError: The name is none, or the passphrase is wrong.
        """
        return read_baseline(self.settings.baseline or None)

    @lazy_property
    def events(self) -> EventMatcher | None:
        """Compares the caller's sentences with examples; None where that is not wanted."""
        return EventMatcher(self.pipeline.encoder) if self.settings.sentences else None

    @lazy_property
    def recogniser(self) -> Transcriber | None:
        """What writes down what is said; None if nothing is set up. A model is loaded on the first sound.

        Raises:
            WeightsError: The settings name no folder with a Whisper model.
        """
        if self.transcriber is not None or self.settings.transcriber is None:
            return self.transcriber
        from ferce_agent.voice.whisper import whisper

        return whisper(self.settings.transcriber, self.settings.threads)

    def prepare_asking(self) -> None:
        """Read what the settings name: weights, prompt, bank and reliability, and look for the model's files.

        So a wrong setting is an error at once and not a gap in every report.

        Raises:
            SettingsError: The model or the prompt cannot be used.
            DataError: The adapter, the baseline, the bank or the reliability file cannot be used.
            WeightsError: The expression model's or the vision-language model's file is missing or no such file, or the
                baseline was made with other weights.
            MissingExtraError: The vision-language model needs a package that is not installed.
        """
        if self.settings.weights is not None:
            _ = self.pipeline.specialist.card
        self.pipeline.specialist.check_adapter(self.settings.flatten)
        if self.baseline is not None:
            self.pipeline.rest_of(self.baseline)
        if self.asker is not None:
            _ = self.asker.faces.prompt, self.asker.faces.bank, self.reliability
            self.asker.check()
            return
        if self.settings.bank is not None:
            Bank.load(self.settings.bank)
        if self.settings.vlm_reliability is not None:
            Reliability.load(self.settings.vlm_reliability)

    def alone(self, settings: Settings | None = None) -> Engines:
        """Return engines that ask no vision-language model, with other settings if given; models are shared."""
        quiet = replace(settings or self.settings, vlm="")
        made = Engines(quiet, use=self.use, transcriber=self.transcriber)
        made.pipeline = self.pipeline.with_settings(quiet)
        return made

    def permit(self, use: UseLike | None, *, heard: bool = False) -> Decision:
        """Return what the rules allow for a caller's use, together with `self.use`.

        Args:
            use: What the caller says.
            heard: Whether sound is listened to.

        Raises:
            SettingsError: The use cannot be read, or the settings name no usable model.
            PolicyError: The use is refused.
        """
        return permit(read_use(use), remote=self.sends_away, own=self.use, heard=heard)

    @property
    def sends_away(self) -> bool:
        """Whether the vision-language model runs elsewhere; one that does not say so counts as elsewhere.

        Raises:
            SettingsError: The settings name no usable model.
        """
        return self.asker is not None and getattr(self.asker.vlm, "remote", None) is not False

    @property
    def sends_sound(self) -> bool:
        """Whether the transcriber runs elsewhere; one that does not say so counts as elsewhere.

        Raises:
            WeightsError: The settings name no folder with a Whisper model.
        """
        return self.recogniser is not None and getattr(self.recogniser, "remote", None) is not False

    def permit_sound(self, use: UseLike | None, *, transcribe: bool = True) -> Decision:
        """Return what the rules allow where only a sound is listened to, together with `self.use`.

        Args:
            use: What the caller says.
            transcribe: Whether the transcriber would be asked.

        Raises:
            SettingsError: The use cannot be read.
            PolicyError: The use is refused.
            WeightsError: The settings name no folder with a Whisper model.
        """
        return permit(read_use(use), remote=transcribe and self.sends_sound, own=self.use, heard=True)

    def permit_sending(self, use: UseLike | None = None) -> None:
        """Check that faces may go to the vision-language model, where no report could say that they did not.

        Raises:
            SettingsError: The use cannot be read, or the settings name no usable model.
            PolicyError: The use is refused, or the model is a remote one and nobody said that the people shown agree.
        """
        check_sending(self.permit(use))

    def time_left(self, began: float) -> float | None:
        """Return the seconds left of a picture's budget since `began` (`time.monotonic`); None without a budget."""
        if self.settings.budget_ms is None:
            return None
        return self.settings.budget_ms / 1000 - (time.monotonic() - began)

    def fuse(
        self,
        expression: Expression,
        quality: Quality,
        measured: Sequence[ActionUnitReading],
        found: ExtractedPerception,
    ) -> tuple[Expression, float]:
        """Return the expression with the model's label fused in, and the exponent used.

        Unchanged and 0 without a reliability.
        """
        reliability = self.reliability
        if reliability is None or not found.parts:
            return expression, 0.0
        trust = trust_in(found.cues, measured)
        before = np.array([getattr(expression.distribution, name) for name in CANONICAL], np.float64)
        fused = interpret(
            fuse(before, found.parts, reliability, trust),
            quality,
            conformal=reliability.conformal,
            coverage=expression.coverage,
            abstain=reliability.abstain,
            measured=measured,
        )
        return fused, reliability.weight * trust

    def used(self, *, asked: bool) -> EnginesUsed:
        """Return what took part in a report.

        Args:
            asked: Whether the vision-language model was asked.
        """
        return EnginesUsed(
            package=package(),
            detector=self.pipeline.detector_card(),
            specialist=self.pipeline.specialist_card(),
            vlm=self.vlm_card() if asked else None,
            vlm_configured=self.asker is not None,
            vlm_remote=self.sends_away,
            movements=self.pipeline.measures_movements(),
            gates=self.pipeline.gates_card(),
            adapter=self.pipeline.adapter_card(),
        )

    def vlm_card(self) -> Engine | None:
        """Name the vision-language model for the provenance."""
        if self.asker is None:
            return None
        vlm = self.asker.vlm
        return Engine(name=slug(vlm.name)[:120], version=slug(vlm.version)[:120], sha256=None)


@once
def default_engines() -> Engines:
    """Return the engines shared by all calls that bring none; settings come from the environment.

    Raises:
        SettingsError: An environment variable has an unusable value.
    """
    return Engines(Settings.from_environment())


@once
def package() -> str:
    """Return the version of ferce-agent."""
    return package_version("ferce-agent")
