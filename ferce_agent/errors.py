"""The one error hierarchy of ferce-agent.

Every error a caller can meet derives from `FerceError`. The direct subclasses say who can act on it: the caller
(`InputError`), whoever set the machine up (`SetupError`), or nobody but a retry (`EngineError`). Each carries a stable
`code` for programs, and a message that says what was wrong and what to do about it.

`InputError` is a `ValueError` too, the others are a `RuntimeError`: a LangGraph server passes the message of these
kinds on to its clients and hides that of all others.
"""

from __future__ import annotations

from typing import ClassVar


class FerceError(Exception):
    """Base of all errors raised on purpose by this package.

    Attributes:
        code: Stable, machine-readable reason such as ``image_truncated``.
        hint: What the reader can do about it, one sentence; may be empty.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Store the message and the hint."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message followed by the hint."""
        return f"{self.message} {self.hint}".strip()

    def as_dict(self) -> dict[str, str]:
        """Return the error as plain data: code, message and hint."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class InputError(FerceError, ValueError):
    """The caller gave something that cannot be used; another input would work."""

    code = "bad_input"


class ImageNotFoundError(InputError):
    """The path names nothing, or not a plain file."""

    code = "image_not_found"


class ImageAccessError(InputError):
    """The path or address is outside what this entry point may read."""

    code = "image_access_denied"


class ImageTooLargeError(InputError):
    """More bytes or more pixels than the limit allows."""

    code = "image_too_large"


class ImageFormatError(InputError):
    """The data is not an image in a supported format."""

    code = "image_format"


class ImageTruncatedError(InputError):
    """The data begins like an image but ends early or is damaged inside."""

    code = "image_truncated"


class ImageShapeError(InputError):
    """The array or picture has an impossible size, shape or number type."""

    code = "image_shape"


class ClipNotFoundError(InputError):
    """The path names nothing, or neither a file nor a folder of pictures."""

    code = "clip_not_found"


class ClipAccessError(InputError):
    """The path or address is outside what this entry point may read."""

    code = "clip_access_denied"


class ClipTooLargeError(InputError):
    """More bytes, more pixels or a longer film than the limit allows."""

    code = "clip_too_large"


class ClipFormatError(InputError):
    """The data is not a film in a supported format, or holds no pictures that can be read."""

    code = "clip_format"


class ClipTimesError(InputError):
    """The times of the frames that a caller gives are not numbers that grow, or no frame lies in the part asked for."""

    code = "clip_times"


class SoundNotFoundError(InputError):
    """The path names nothing, or not a plain file."""

    code = "sound_not_found"


class SoundAccessError(InputError):
    """The path or address is outside what this entry point may read."""

    code = "sound_access_denied"


class SoundTooLargeError(InputError):
    """More bytes, more channels or a longer sound than the limit allows."""

    code = "sound_too_large"


class SoundFormatError(InputError):
    """The data is no sound in a supported format, or holds none that can be read."""

    code = "sound_format"


class SoundShapeError(InputError):
    """The samples or the rate that a caller gives cannot be those of a sound."""

    code = "sound_shape"


class NoSoundError(InputError):
    """A film without a sound track, or no sound in the part asked for."""

    code = "no_sound"


class TranscriptError(InputError):
    """A transcript cannot be read: no such file, too large, not text, or in no form that is known."""

    code = "transcript_unreadable"


class OntologyError(InputError):
    """A term is not in the ontology, or an ontology file does not hold together."""

    code = "ontology"


class UnknownTermError(OntologyError):
    """Free text could not be mapped to one ontology term."""

    code = "unknown_term"


class SettingsError(InputError):
    """A setting or an option has a value that makes no sense."""

    code = "settings"


class PolicyError(InputError):
    """The rules refuse this use; the message names the rule and its source."""

    code = "policy_refused"


class AccessError(InputError):
    """The token is missing or wrong, or the request comes from where none may come from."""

    code = "access_denied"


class RequestError(InputError):
    """What a client of the local page sent is not in the agreed form."""

    code = "bad_request"


class RequestTooLargeError(RequestError):
    """A client of the local page sent more bytes than are read."""

    code = "request_too_large"


class RequestTimeoutError(RequestError):
    """A client of the local page sent what it wanted to send too slowly."""

    code = "request_timeout"


class TooManyRequestsError(InputError):
    """A client of the local page asks too often, or too much is being worked on.

    Attributes:
        seconds: When it makes sense to ask again.
    """

    code = "too_many_requests"

    def __init__(self, message: str, *, hint: str = "", seconds: float = 1.0) -> None:
        """Store message, hint and when it makes sense to ask again."""
        super().__init__(message, hint=hint)
        self.seconds = seconds


class DataError(InputError):
    """A data folder lacks a file or a column, or a file is damaged."""

    code = "data"


class BatchError(InputError):
    """A folder holds another batch or something else, or the inputs of a batch changed before it went on."""

    code = "batch"


class SetupError(FerceError, RuntimeError):
    """The installation lacks something; installing or configuring it would help."""

    code = "setup"


class MissingExtraError(SetupError):
    """An optional package is needed for what was asked."""

    code = "missing_extra"

    def __init__(self, package: str, extra: str | None) -> None:
        """Name the missing package and the extra that brings it; None: it is installed by itself."""
        wanted = package if extra is None else f"'ferce-agent[{extra}]'"
        super().__init__(f"The package '{package}' is not installed.", hint=f"Install it with: pip install {wanted}")


class CameraError(SetupError):
    """There is no such camera, or it may not be used or gives no pictures."""

    code = "camera"


class WeightsError(SetupError):
    """A weight file is missing or is not the kind of file it should be."""

    code = "weights"


class EngineError(FerceError, RuntimeError):
    """An engine failed on an input that was fine; a retry or another engine may work."""

    code = "engine"


class DeadlineError(EngineError):
    """The time that a client of the server gave, or the server's own limit, was over before the answer."""

    code = "deadline"

    @classmethod
    def passed(cls) -> DeadlineError:
        """Return the error of a request whose time is over."""
        return cls("The time for this request is over.", hint="Give it more time, or send it when less is going on.")


class UnavailableError(EngineError):
    """The server cannot take this now: it is starting, it is ending, or what worked on the request was stopped."""

    code = "unavailable"


class VlmError(EngineError):
    """The vision-language model did not give a usable answer.

    Attributes:
        transient: Whether asking again may help.
    """

    code = "vlm_failed"

    def __init__(self, message: str, *, hint: str = "", transient: bool = False) -> None:
        """Store message, hint and whether a retry makes sense."""
        super().__init__(message, hint=hint)
        self.transient = transient


class VlmTimeoutError(VlmError):
    """The vision-language model took too long.

    Attributes:
        seconds: How long it worked on the question; 0 if the question never got its turn.
    """

    code = "timeout"

    def __init__(self, message: str, *, hint: str = "", seconds: float = 0.0) -> None:
        """Store message, hint and how long the model worked."""
        super().__init__(message, hint=hint)
        self.seconds = seconds


class VlmCancelledError(VlmError):
    """Whoever asked the vision-language model called the question off."""

    code = "cancelled"


class ExtractionError(VlmError):
    """The vision-language model answered, but nothing of the answer could be used."""

    code = "vlm_failed"
