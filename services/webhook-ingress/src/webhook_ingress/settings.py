"""What the webhook ingress reads from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator, model_validator

from kanzlei.espocrm.webhook_secrets import parse_secrets
from synckit.service.settings import KafkaSection, Port, Seconds, Section, ServiceSettings


class WebhookIngressSection(Section):
    secrets: SecretStr | None = Field(
        default=None, description='JSON of webhook id → key, or list of keys: `{"id": "key", "id2": ["new", "old"]}`.'
    )
    secrets_file: Path | None = Field(
        default=None, description="File with the same JSON, read again when it changes; adds to the variable above."
    )
    port: Port = Field(default=8080, description="Port of the webhooks, of health and metrics.")
    max_in_flight: int = Field(default=256, ge=1, description="Requests handled at once; more are answered with 503.")
    answer_seconds: Seconds = Field(default=7.5, le=9.0, description="Latest answer; EspoCRM gives up after 10 s.")

    @field_validator("secrets")
    @classmethod
    def _readable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_secrets(value.get_secret_value().encode())
        return value

    @model_validator(mode="after")
    def _some_source(self) -> WebhookIngressSection:
        if self.secrets is None and self.secrets_file is None:
            raise ValueError("set WEBHOOK_INGRESS_SECRETS or WEBHOOK_INGRESS_SECRETS_FILE")
        return self


class CalendarSection(Section):
    """What the calendar's service sets for its channels; the rest of its variables is nothing of ours."""

    foreign_names: ClassVar[bool] = True
    push_secret: SecretStr | None = Field(
        default=None, min_length=32, description="Key of the channels' tokens, as calendar-sync has it; unset: no push."
    )


class Settings(ServiceSettings):
    service: ClassVar[str] = "webhook-ingress"
    log_keys: ClassVar[frozenset[str]] = frozenset({"webhook_id"})
    log_names: ClassVar[tuple[str, ...]] = (
        "vmh.",
        "calendar.",
    )
    kafka: KafkaSection
    webhook_ingress: WebhookIngressSection
    calendar: CalendarSection = CalendarSection()
