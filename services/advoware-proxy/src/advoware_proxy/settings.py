"""What the Advoware proxy reads from the environment."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from kanzlei.settings import AdvowareSection
from synckit.service.settings import DatabaseSection, Days, Hours, Port, RedisSection, Seconds, Section, ServiceSettings


class AdvowareProxySection(Section):
    port: Port = Field(default=8083, description="Port of the proxy, of health and metrics.")
    max_in_flight: int = Field(default=64, ge=1, description="Calls carried out at once; more are answered with 503.")
    max_per_caller: int = Field(default=40, ge=1, description="Calls at once of one key; more are answered with 429.")
    request_bytes: int = Field(default=1 << 20, ge=1024, description="Largest body of a request.")
    answer_bytes: int = Field(default=32 << 20, ge=1024, description="Largest answer of Advoware that is passed on.")
    body_seconds: Seconds = Field(default=10.0, description="Time for a caller to send the body.")
    body_rate: int = Field(default=4096, ge=1, description="Bytes a second of a body, after its first two seconds.")
    connect_seconds: Seconds = Field(default=3.0, description="Time to connect to Advoware.")
    read_seconds: Seconds = Field(default=15.0, description="Longest silence of Advoware.")
    call_seconds: Seconds = Field(default=30.0, description="From our call to the last byte of the answer.")
    keys_seconds: Seconds = Field(default=5.0, description="A new or a revoked key is known after so long at most.")
    idempotency_hours: Hours = Field(default=24.0, description="First answers to POSTs are given again for so long.")
    audit_days: Days = Field(default=400.0, description="Lines of the audit are kept for so long.")
    sweep_seconds: Seconds = Field(default=600.0, description="Between two removals of what has had its time.")


class Settings(ServiceSettings):
    service: ClassVar[str] = "advoware-proxy"
    log_keys: ClassVar[frozenset[str]] = frozenset({"call_id", "method", "route"})
    database: DatabaseSection
    redis: RedisSection
    advoware: AdvowareSection
    advoware_proxy: AdvowareProxySection = AdvowareProxySection()
