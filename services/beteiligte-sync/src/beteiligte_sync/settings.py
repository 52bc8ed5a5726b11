"""What beteiligte-sync reads from the environment."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from kanzlei.office_settings import OfficeSection
from kanzlei.settings import AdvowareSection, EspoCrmSection
from synckit.service.settings import (
    BrakeSection,
    DatabaseSection,
    KafkaSection,
    Port,
    RedisSection,
    Seconds,
    Section,
    ServiceSettings,
)


class BeteiligteSyncSection(Section):
    port: Port = Field(default=8081, description="Port of health and metrics.")
    max_in_flight: int = Field(default=32, ge=1, le=1000, description="Records synced at once.")
    max_buffered: int = Field(default=2000, ge=1, description="Events taken from the broker and not yet done.")
    in_place_seconds: Seconds = Field(default=45.0, description="How long a failed sync is tried again before parking.")


class BeteiligteSection(Section):
    delete: Literal["never", "when-unused"] = Field(
        default="never", description="What a deletion in EspoCRM does in Advoware: nothing, or delete what is unused."
    )


class Settings(ServiceSettings):
    service: ClassVar[str] = "beteiligte-sync"
    log_keys: ClassVar[frozenset[str]] = frozenset({"betnr", "field", "left_id", "rule"})
    log_names: ClassVar[tuple[str, ...]] = ("vmh.", "erstgespraech.")
    kafka: KafkaSection
    database: DatabaseSection
    redis: RedisSection
    espocrm: EspoCrmSection
    advoware: AdvowareSection
    beteiligte_sync: BeteiligteSyncSection = BeteiligteSyncSection()
    beteiligte: BeteiligteSection = BeteiligteSection()
    brake: BrakeSection = BrakeSection()
    office: OfficeSection = OfficeSection()
