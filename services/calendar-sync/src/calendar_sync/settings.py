"""What calendar-sync reads from the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator

from kanzlei.settings import AdvowareSection
from synckit.service.settings import (
    DatabaseSection,
    HeaderKey,
    HttpAddress,
    KafkaSection,
    Port,
    RedisSection,
    Seconds,
    Section,
    ServiceSettings,
)

LEAST_SECRET = 32
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
Mode = Literal["dry", "protect", "on"]
Strategy = Literal["source-system-wins", "last-change-wins"]
Profile = Literal["full", "title-only", "busy"]
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


def _mail(value: str) -> str:
    name, at, domain = value.partition("@")
    if not (name and at and "." in domain and "@" not in domain) or any(each.isspace() for each in value):
        raise ValueError("must be an e-mail address")
    return value


def _key_file(value: Path) -> Path:
    """A service account's key: what Google's console downloads. ValueError says what is wrong, never what it holds."""
    try:
        told = json.loads(value.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError("names a file that is not there") from None
    except OSError:
        raise ValueError("names a file that can't be read") from None
    except ValueError:
        raise ValueError("names a file that is no JSON: it must be the key file of a service account") from None
    lacking = [name for name in ("client_email", "private_key", "token_uri") if not _text_of(told, name)]
    if lacking or told.get("type") != "service_account":
        raise ValueError("names a file that is no key of a service account")
    return value


def _text_of(told: Any, name: str) -> str:
    found = told.get(name) if isinstance(told, dict) else None
    return found if isinstance(found, str) else ""


Mail = Annotated[str, AfterValidator(_mail)]


class CalendarSection(Section):
    mode: Mode = Field(default="dry", description="dry writes nowhere, protect writes to Google alone, on to both.")
    only: str = Field(default="", description="Kürzel, separated by commas; empty: all employees.")
    max_advoware_writes: int = Field(
        default=200, ge=0, le=100_000, description="Writes to Advoware in one run; the rest is the next run's."
    )
    window_past_days: int = Field(default=30, ge=0, le=3_650, description="How far back appointments are kept in step.")
    window_future_days: int = Field(default=730, ge=1, le=3_650, description="How far ahead.")
    expand_days: int = Field(
        default=60, ge=1, le=730, description="How far ahead a series that Advoware can't hold becomes single Termine."
    )
    strategy: Strategy = Field(
        default="source-system-wins",
        description="Who wins where both sides changed one field: source-system-wins or last-change-wins.",
    )
    strategies: Annotated[Mapping[str, Strategy], BeforeValidator(_json_object)] = Field(
        default_factory=dict, description='The same for single employees, as JSON: `{"AB": "last-change-wins"}`.'
    )
    profile: Profile = Field(
        default="busy", description="What Google sees of an appointment: busy (only `Termin`), title-only or full."
    )
    profiles: Annotated[Mapping[str, Profile], BeforeValidator(_json_object)] = Field(
        default_factory=dict, description='The same for single employees, as JSON: `{"AB": "full"}`.'
    )
    delete_from_google: Literal["own", "all"] = Field(
        default="own", description="What a deletion in Google deletes at the desk: what was born there, or all."
    )
    acl_role: Literal["reader", "writer"] = Field(default="writer", description="The employee's right in the calendar.")
    push_url: HttpAddress | None = Field(
        default=None, description="Public https address of `/google/push`; unset: no push, the poll alone."
    )
    push_secret: SecretStr | None = Field(
        default=None,
        min_length=LEAST_SECRET,
        description="Key of the channels' tokens, as webhook-ingress has it.",
    )
    tenant: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = Field(
        default="kanzlei", description="Word in the marker of our calendars; another one for each office in a domain."
    )
    new_calendars_a_day: int = Field(default=40, ge=1, le=100_000, description="Calendars made in 24 hours at most.")
    new_events_a_day: int = Field(
        default=50_000, ge=1, le=10_000_000, description="Events made in 24 hours at most, of all employees."
    )

    @field_validator("push_url")
    @classmethod
    def _reachable_by_google(cls, value: str | None) -> str | None:
        if value and not value.startswith("https://") and urlsplit(value).hostname not in LOOPBACK:
            raise ValueError("must begin with https://: Google pushes to nothing else")
        return value

    @model_validator(mode="after")
    def _secret_for_push(self) -> Self:
        if self.push_url and self.push_secret is None:
            raise ValueError("CALENDAR_PUSH_URL is set, and CALENDAR_PUSH_SECRET is not")
        return self

    @property
    def chosen(self) -> frozenset[str]:
        """The Kürzel of `only`; empty: all."""
        return frozenset(each.strip() for each in self.only.split(",") if each.strip())


class CalendarSyncSection(Section):
    port: Port = Field(default=8084, description="Port of the way in by hand, of health and metrics.")
    max_in_flight: int = Field(default=8, ge=1, le=200, description="Employees synced at once.")
    max_buffered: int = Field(default=2000, ge=1, description="Events taken from the broker and not yet done.")
    in_place_seconds: Seconds = Field(default=45.0, description="How long a failed run is tried again at once.")
    upkeep_seconds: Seconds = Field(default=60.0, description="Between two looks at the push channels.")
    run_seconds: Seconds = Field(default=900.0, description="A run goes on in the next one after so long.")


class GoogleSection(Section):
    service_account_file: Annotated[Path, AfterValidator(_key_file)] = Field(
        description="Key file of the service account."
    )
    role_account: Mail = Field(description="Address of the account that owns the calendars; never the service account.")
    act_as: Literal["role", "employee"] = Field(
        default="role", description="Who writes events: the role account or the employee; each has a quota of its own."
    )
    api_endpoint: HttpAddress | None = Field(
        default=None, description="Another address than Google's, without /calendar/v3."
    )
    threads: int = Field(default=8, ge=1, le=200, description="Calls to Google at once.")
    call_seconds: Seconds = Field(default=20.0, description="Time-out of one call.")
    user_per_second: PerSecond = Field(default=8.0, description="Price of the calls of one acting account, a second.")
    user_burst: PerSecond = Field(default=20.0, description="The same at once, after a pause.")
    project_per_second: PerSecond = Field(default=150.0, description="Price of all calls, a second.")
    calendar_per_second: PerSecond = Field(default=5.0, description="Writes to one calendar, a second.")
    blocked_hours: Annotated[float, Field(gt=0, le=720, allow_inf_nan=False)] = Field(
        default=6.0, description="No write for an account for so long after `quotaExceeded`."
    )


class NotifySection(Section):
    foreign_names: ClassVar[bool] = True
    user: str = Field(default="", description="EspoCRM user (its id) who is told where an employee has none there.")


class OptionalEspoCrmSection(Section):
    """Without it nobody is told by a note; the calendar works all the same."""

    base_url: HttpAddress | None = Field(default=None, description="EspoCRM's address without /api/v1.")
    api_key: HeaderKey | None = Field(default=None, description="API key of our API user.")
    hmac_secret_key: HeaderKey | None = Field(
        default=None, description="Secret of an API user with HMAC authentication; unset: the API key alone."
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if len({self.base_url is None, self.api_key is None}) > 1:
            raise ValueError("ESPOCRM_BASE_URL and ESPOCRM_API_KEY belong together: set both or neither")
        return self


class Settings(ServiceSettings):
    service: ClassVar[str] = "calendar-sync"
    log_names: ClassVar[tuple[str, ...]] = ("calendar.",)
    kafka: KafkaSection
    database: DatabaseSection
    redis: RedisSection
    advoware: AdvowareSection
    espocrm: OptionalEspoCrmSection = OptionalEspoCrmSection()
    google: GoogleSection
    calendar: CalendarSection = CalendarSection()
    calendar_sync: CalendarSyncSection = CalendarSyncSection()
    notify: NotifySection = NotifySection()
