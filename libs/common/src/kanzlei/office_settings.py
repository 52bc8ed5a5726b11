"""The section of settings that says when the office is open, for whichever service minds it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from kanzlei.office_hours import LANDS, NATIONWIDE, OfficeHours, office_hours
from synckit.service.settings import Section


def _hours(value: str) -> str:
    office_hours(value)
    return value


def _land(value: str) -> str:
    if value not in LANDS:
        raise ValueError(f"must be one of {', '.join(LANDS)}")
    return value


class OfficeSection(Section):
    hours: Annotated[str, AfterValidator(_hours)] = Field(
        default="Mon-Fri 08:00-18:00", description="When the office is open, by Berlin's clock; more after a comma."
    )
    land: Annotated[str, AfterValidator(_land)] = Field(
        default=NATIONWIDE, description="Land whose holidays it keeps, like NI; DE: nationwide ones alone; none: none."
    )

    def open_hours(self) -> OfficeHours:
        """Both in one."""
        return office_hours(self.hours, self.land)
