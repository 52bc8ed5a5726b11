"""What document-sync reads from the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from kanzlei.settings import EspoCrmSection
from synckit.service.settings import (
    DatabaseSection,
    Days,
    HeaderKey,
    HttpAddress,
    KafkaSection,
    Port,
    RedisSection,
    Seconds,
    Section,
    ServiceSettings,
)

MIB = 1024 * 1024
TYPES = (
    "application/pdf,text/plain,text/markdown,text/html,text/csv,application/rtf,text/rtf,message/rfc822,"
    "application/json,application/xml,text/xml,application/msword,application/vnd.ms-excel,"
    "application/vnd.oasis.opendocument.text,"
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document,"
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet,"
    "application/vnd.openxmlformats-officedocument.presentationml.presentation"
)
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,99}$")]
PerSecond = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]


def _json_object(value: object) -> object:
    """A JSON object as the variable holds it; the error never repeats the value."""
    if not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        raise ValueError("must be a JSON object") from None
    if not isinstance(read, dict):
        raise ValueError("must be a JSON object")
    return read


class RecordType(BaseModel):
    """How a record type names its links and fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    link: Name
    documents: Name = "dokumentes"
    switch: Name = "xaiSyncActive"
    collection: Name = "xaiCollectionId"


OFFICE_TYPES: Mapping[str, RecordType] = {
    "CVmhRumungsklage": RecordType(link="rumungsklages"),
    "CBeteiligte": RecordType(link="beteiligtes"),
    "Account": RecordType(
        link="accounts", documents="cDokumentes", switch="cXaiSyncActive", collection="cXaiCollectionId"
    ),
}


class XaiSection(Section):
    writes: Literal["dry", "on"] = Field(
        default="dry", description="dry sends nothing and writes nowhere: the plan is shown in the log; on."
    )
    api_base_url: HttpAddress = Field(default="https://api.x.ai", description="Host of files and search, without /v1.")
    api_key: HeaderKey = Field(description="API key: files and search.")
    management_base_url: HttpAddress = Field(
        default="https://management-api.x.ai", description="Host of collections, without /v1."
    )
    management_key: HeaderKey = Field(
        description="Management key, another one: collections; it needs AddFileToCollection."
    )
    records: Annotated[Mapping[Name, RecordType], BeforeValidator(_json_object)] = Field(
        default_factory=dict,
        description="Record types that may have a collection, as JSON, with their names: "
        '`{"CVmhRumungsklage": {"link": "rumungsklages", "documents": "dokumentes", "switch": "xaiSyncActive", '
        '"collection": "xaiCollectionId"}}`; unset: CVmhRumungsklage, CBeteiligte and Account.',
    )
    max_file_bytes: int = Field(default=48 * MIB, ge=1, le=1024 * MIB, description="Larger files are not sent.")
    types: str = Field(
        default="",
        description="Content types that may be sent, separated by commas; unset: PDF, text, mail and office documents; "
        "`*`: all.",
    )
    keep_days: Days = Field(default=30.0, description="A file that nothing needs any more is deleted after so long.")
    per_second: PerSecond = Field(default=10.0, description="Price of the calls to each of the two hosts, a second.")
    burst: PerSecond = Field(default=40.0, description="The same at once, after a pause; bytes cost 5, the rest 1.")

    @property
    def allowed(self) -> frozenset[str]:
        """Of `types`, as they are compared; empty: all."""
        told = self.types.strip() or TYPES
        named = frozenset(each.strip().lower() for each in told.split(",") if each.strip())
        return frozenset() if "*" in named else named

    @property
    def record_types(self) -> Mapping[str, RecordType]:
        """Record type → its names."""
        return self.records or OFFICE_TYPES


class TransferSection(Section):
    foreign_names: ClassVar[bool] = True
    days: Days = Field(default=3650.0, description="How long the list of transfers keeps what was taken back.")


class DocumentSyncSection(Section):
    port: Port = Field(default=8085, description="Port of explanations, health and metrics.")
    max_in_flight: int = Field(default=8, ge=1, le=100, description="Documents looked at once, each with its bytes.")
    max_buffered: int = Field(default=5000, ge=1, description="Events taken from the broker and not yet done.")
    in_place_seconds: Seconds = Field(default=45.0, description="How long a failed look is tried again at once.")
    due_seconds: Seconds = Field(default=2.0, description="Between two looks at what is due, as indexing is.")
    changed_seconds: Seconds = Field(default=60.0, description="Between two looks at what was changed in EspoCRM.")
    spool_dir: Path | None = Field(
        default=None, description="Folder of the bytes on their way, max_in_flight files at most; unset: the system's."
    )


class Settings(ServiceSettings):
    service: ClassVar[str] = "document-sync"
    log_names: ClassVar[tuple[str, ...]] = ("documents.",)
    kafka: KafkaSection
    database: DatabaseSection
    redis: RedisSection
    espocrm: EspoCrmSection
    xai: XaiSection
    transfer: TransferSection = TransferSection()
    document_sync: DocumentSyncSection = DocumentSyncSection()
