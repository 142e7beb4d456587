"""Types for ontology ids in the contract: plain strings, checked against the ontology, enumerated in the JSON Schema.

The ontology is read when the first id is checked, not at import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

Section = Literal["terms", "action_units", "appraisals"]


@dataclass(frozen=True, slots=True)
class OntologyId:
    """Pydantic marker: the string is the id of an entry in `section` of the ontology."""

    section: Section

    def known(self) -> tuple[str, ...]:
        """Return the ids of the section in file order."""
        from ferce_agent.ontology.store import ontology

        return tuple(getattr(ontology(), self.section))

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check membership after the string check."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Enumerate the ids."""
        return {"type": "string", "enum": list(self.known())}

    def _check(self, value: str) -> str:
        if value not in self.known():
            raise ValueError(f"'{value}' is not in the ontology's {self.section}")
        return value


TermId = Annotated[str, OntologyId("terms")]
"""Id of a canonical, compound or fine-grained expression, e.g. ``happily_surprised``."""
ActionUnitId = Annotated[str, OntologyId("action_units")]
"""Id of an action unit, e.g. ``AU12``."""
AppraisalId = Annotated[str, OntologyId("appraisals")]
"""Id of an appraisal, e.g. ``not_expected``."""
