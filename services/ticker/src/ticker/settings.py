"""What the ticker reads from the environment."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from kanzlei.office_settings import OfficeSection
from kanzlei.settings import AdvowareSection, EspoCrmSection
from synckit.service.settings import (
    DatabaseSection,
    Hours,
    KafkaSection,
    Port,
    RedisSection,
    Seconds,
    Section,
    ServiceSettings,
)


class TickerSection(Section):
    port: Port = Field(default=8082, description="Port of health and metrics.")
    sweep_seconds: Seconds = Field(default=900.0, description="Between two sweeps over EspoCRM and our memory.")
    desk_seconds: Seconds = Field(default=60.0, description="Between two looks at what desks changed in Advoware.")
    rows_seconds: Seconds = Field(
        default=900.0, description="Between two looks at the rows of all parties in Advoware."
    )
    calendar_seconds: Seconds = Field(default=900.0, description="Between two rounds over all employees' calendars.")
    parked_seconds: Seconds = Field(default=15.0, description="Between two looks at parked records that are due.")
    measure_seconds: Seconds = Field(default=15.0, description="Between two counts of our memory, for the metrics.")
    letters_seconds: Seconds = Field(default=60.0, description="Between two counts of open dead letters.")
    canary_seconds: Seconds = Field(default=300.0, description="Between two records that are sent the whole way round.")
    canary_id: str = Field(
        default="", max_length=36, description="Beteiligte that is sent; empty: the one linked longest."
    )
    consultations: Literal["on", "off"] = Field(
        default="off", description="Whether Erstgespräche whose call is due go back to Neu; their type must be there."
    )
    consultations_seconds: Seconds = Field(
        default=60.0, description="Between two looks at Erstgespräche, within office hours."
    )
    overlap_seconds: Seconds = Field(default=120.0, description="How far a cursor looks back again.")
    stale_syncing_seconds: Seconds = Field(default=600.0, description="Age at which `syncing` counts as forgotten.")
    retention_seconds: Seconds = Field(default=3600.0, description="Between two removals of what has had its time.")
    journal_days: int = Field(default=90, ge=1, le=36_500, description="Lines of the journal are kept for so long.")
    operator_days: int = Field(
        default=400, ge=1, le=36_500, description="Those of what a person did by command, for so long."
    )
    guard_days: int = Field(
        default=30, ge=15, le=36_500, description="Fences of records not looked at: longer than any topic."
    )
    unlooked_hours: Hours = Field(default=24.0, description="A record not looked at for so long is looked at.")
    unlooked_limit: int = Field(default=50, ge=1, le=1_000_000, description="Such records in one sweep.")
    desk_limit: int = Field(
        default=1000, ge=1, description="Rows believed of Advoware for the last hour; more is taken for nonsense."
    )


class Settings(ServiceSettings):
    service: ClassVar[str] = "ticker"
    log_keys: ClassVar[frozenset[str]] = frozenset({"dry_run"})
    log_names: ClassVar[tuple[str, ...]] = (
        "vmh.",
        "calendar.",
        "erstgespraech.",
    )
    kafka: KafkaSection
    database: DatabaseSection
    redis: RedisSection
    espocrm: EspoCrmSection
    advoware: AdvowareSection
    ticker: TickerSection = TickerSection()
    office: OfficeSection = OfficeSection()
