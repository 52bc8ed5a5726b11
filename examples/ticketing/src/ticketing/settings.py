"""What ticketing reads from the environment."""

from typing import ClassVar

from pydantic import Field

from synckit.service.settings import DatabaseSection, Hours, KafkaSection, Port, Seconds, Section, ServiceSettings


class TicketingSection(Section):
    port: Port = Field(default=8090, description="Port of the tickets, of health and metrics.")
    sla_hours: Hours = Field(default=24.0, description="A ticket has to be triaged within so many hours.")
    timer_seconds: Seconds = Field(default=30.0, description="How often overdue tickets are looked for.")


class Settings(ServiceSettings):
    service: ClassVar[str] = "ticketing"
    kafka: KafkaSection
    database: DatabaseSection
    ticketing: TicketingSection = TicketingSection()
