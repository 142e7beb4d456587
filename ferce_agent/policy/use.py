"""What a caller may say about the use of a report: where, under which law, what for, on what grounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StrictBool, StringConstraints, ValidationError

from ferce_agent.errors import SettingsError
from ferce_agent.policy.labels import Domain, Grounds, Jurisdiction, Observer
from ferce_agent.validation.refusal import unusable, value_of


class UseContext(BaseModel):
    """What the report is used for. Everything may be left open; what is left open is treated with care."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    domain: Domain | None = None
    """Area of use; null: not said."""
    jurisdiction: Jurisdiction = "unknown"
    """Whose law holds."""
    purpose: Annotated[str, StringConstraints(max_length=300, strip_whitespace=True)] = ""
    """What for, in plain words."""
    basis: Grounds = "none"
    """Medical or safety reason, where there is one."""
    consent: StrictBool | None = None
    """Whether the people shown or heard agreed; null: not known."""
    minors: StrictBool | None = None
    """Whether minors may be shown or heard; null: not known."""
    observer: Observer | None = None
    """Who reads the report; null: not said."""

    @property
    def is_stated(self) -> bool:
        """Whether a use is stated: an area or a purpose."""
        return self.domain is not None or bool(self.purpose)

    def told(self) -> dict[str, Any]:
        """Return what is not left open, as plain data."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def completed_by(self, own: UseContext) -> UseContext:
        """Return this use with what it leaves open taken from `own`."""
        return UseContext.model_validate({**own.told(), **self.told()})


UseLike = UseContext | Mapping[str, Any]
"""A use context, or a mapping of its fields."""
NOT_STATED: Final = UseContext()


def read_use(value: UseLike | None) -> UseContext:
    """Return what a caller gives in any form as a `UseContext`; null leaves a field open.

    Raises:
        SettingsError: A field is unknown or has an unusable value; the message names it.
    """
    if value is None or isinstance(value, UseContext):
        return value or NOT_STATED
    if not isinstance(value, Mapping):
        hint = "Give the fields of a UseContext, such as domain and jurisdiction. See: ferce policy --help"
        raise SettingsError(f"The use context must be an object with fields, not {value_of(value)}.", hint=hint)
    try:
        return UseContext.model_validate({name: one for name, one in value.items() if one is not None})
    except ValidationError as error:
        raise unusable(error, "The use context", UseContext) from error
