"""What is read from the environment: shared sections, and how a wrong one is reported.

`KAFKA_BOOTSTRAP_SERVERS` is the field `bootstrap_servers` of the section `kafka`; the longest section name wins.
An empty variable counts as not set (compose writes such). No value of a variable is ever printed.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, NoReturn, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from synckit.connection_url import check_address, check_brokers, check_key, check_text, check_url
from synckit.kafka.access import CHECKED, MISSING, KafkaAccess, access, problem
from synckit.log.redaction import allow
from synckit.reconcile.brake import BrakeLimits

WRONG_SETTINGS = 2
"""Exit status of a process whose environment is wrong."""
_SERVICE_LINK = re.compile(r"(service_host|service_port.*|port_\d+_.*)\Z")


def _address(value: str) -> str:
    check_address(value)
    return value.rstrip("/")


def _brokers(value: str) -> str:
    check_brokers(value)
    return value


def _scheme(*allowed: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        check_url(value.get_secret_value(), allowed)
        return value

    return AfterValidator(check)


def _plain(value: str | SecretStr | None) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value or ""


def _key(value: SecretStr) -> SecretStr:
    check_key(value.get_secret_value())
    return value


HttpAddress = Annotated[str, AfterValidator(_address)]
HeaderKey = Annotated[SecretStr, AfterValidator(_key)]
Port = Annotated[int, Field(ge=0, le=65535)]
# What is reckoned with them must stay a date: no Infinity, and nothing that leads before year 1.
Seconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=87_600, allow_inf_nan=False)]
Days = Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)]


class Section(BaseModel):
    """A group of variables with one first word. Others may use that word as well (KAFKA_HOME): see `_is_foreign`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _visible(cls, value: object) -> object:
        if isinstance(value, str):
            check_text(value)
        return value


class KafkaSection(Section):
    model_config = ConfigDict(validate_default=True)
    bootstrap_servers: Annotated[str, AfterValidator(_brokers)] = Field(
        description="Brokers as host:port, separated by commas."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = Field(
        default="PLAINTEXT",
        description="How brokers are spoken to; with SASL_PLAINTEXT the password is not encrypted on its way.",
    )
    sasl_mechanism: Literal["SCRAM-SHA-512", "PLAIN"] = Field(
        default="SCRAM-SHA-512", description="How the password is proven, with SASL_SSL and SASL_PLAINTEXT."
    )
    sasl_username: str | None = Field(default=None, description="User, with SASL_SSL and SASL_PLAINTEXT.")
    sasl_password: SecretStr | None = Field(default=None, description="The user's password.")
    ssl_ca_file: str | None = Field(
        default=None, description="PEM file of the authority that signs the brokers' certificates; unset: the system's."
    )
    ssl_cert_file: str | None = Field(
        default=None,
        description="PEM file of our own certificate, where brokers want one (mTLS).",
    )
    ssl_key_password: SecretStr | None = Field(default=None, description="Password of the key, where it has one.")
    ssl_key_file: str | None = Field(
        default=None,
        description="PEM file of its key; unset: in that same file. Both are read again when renewed.",
    )

    @field_validator(*CHECKED)
    @classmethod
    def _fits_the_protocol(cls, value: str | SecretStr | None, info: ValidationInfo) -> str | SecretStr | None:
        known = {name: _plain(one) for name, one in info.data.items()}
        if info.field_name is None or "security_protocol" not in known:
            return value
        what = problem(info.field_name, {**dict.fromkeys(CHECKED, ""), **known, info.field_name: _plain(value)})
        if what == MISSING:
            raise PydanticCustomError("missing", "missing")
        if what is not None:
            raise ValueError(what)
        return value

    @cached_property
    def access(self) -> KafkaAccess:
        """What every client of Kafka in this process is made with."""
        return access(self.bootstrap_servers, {name: _plain(value) for name, value in self})


class DatabaseSection(Section):
    url: Annotated[SecretStr, _scheme("postgresql", "postgres")] = Field(
        description="PostgreSQL as postgresql://user:password@host:port/name, both percent-encoded."
    )
    pool_size: int = Field(default=10, ge=1, le=200, description="Connections that one process may open.")
    statement_seconds: Seconds = Field(default=10.0, description="Time-out of one statement.")


class RedisSection(Section):
    url: Annotated[SecretStr, _scheme("redis", "rediss", "unix")] = Field(
        description="Redis as redis://:password@host:port/0, percent-encoded."
    )


class BrakeSection(Section):
    window_seconds: Seconds = Field(default=900.0, description="How far back losses are counted, per source.")
    least: int = Field(default=5, ge=0, description="Records of a source that may lose something meanwhile; more hold.")
    share: float = Field(default=0.02, ge=0, le=1, description="The same, as a share of the records looked at.")
    retry_seconds: Seconds = Field(default=300.0, description="When a held record is looked at again by itself.")
    day_seconds: float = Field(
        default=86_400.0,
        gt=0,
        le=86_400,
        allow_inf_nan=False,
        description="The longer window, by which a drip of losses is seen; at most a day.",
    )
    day_share: float = Field(
        default=0.1, ge=0, le=1, description="Share of the records looked at in it that may lose something; more hold."
    )

    def limits(self) -> BrakeLimits:
        """As the engine takes them."""
        window, retry = timedelta(seconds=self.window_seconds), timedelta(seconds=self.retry_seconds)
        day = timedelta(seconds=self.day_seconds)
        return BrakeLimits(window, self.least, self.share, retry, day=day, day_share=self.day_share)


class LogSection(Section):
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is shown."
    )
    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto is console on a terminal, else JSON."
    )


class HttpSection(Section):
    foreign_names: ClassVar[bool] = True
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; 0.0.0.0 in a container, behind its network.",
    )


class ServiceSettings(BaseSettings):
    """Base of every service's settings: fields are sections, values come from the environment alone."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    service: ClassVar[str] = ""
    log_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys of the service's own log lines; values of others are redacted."""
    log_names: ClassVar[tuple[str, ...]] = ()
    """Beginnings of names (of topics) that a library's log line may show, besides the service's own."""
    log: LogSection = LogSection()
    http: HttpSection = HttpSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _SectionSource(settings_cls)


class _SectionSource(PydanticBaseSettingsSource):
    """The environment, cut into sections."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return _sections(self.settings_cls, os.environ).get(field_name, {}), field_name, False

    def __call__(self) -> dict[str, Any]:
        return dict(_sections(self.settings_cls, os.environ))


def section_types(settings_class: type[BaseSettings]) -> dict[str, type[Section]]:
    """Name of a section → its model."""
    return {
        name: field.annotation
        for name, field in settings_class.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }


def _sections(settings_class: type[BaseSettings], environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    types = section_types(settings_class)
    found: dict[str, dict[str, str]] = {name: {} for name in types}
    for variable, value in environ.items():
        owner = _owner(variable, types)
        if owner is None or not value:
            continue
        key = variable[len(owner) + 1 :].lower()
        if key in types[owner].model_fields or not _is_foreign(key, types[owner]):
            found[owner][key] = value
    return found


def _owner(variable: str, types: Mapping[str, type[Section]]) -> str | None:
    owners = [name for name in types if variable.startswith(f"{name.upper()}_")]
    return max(owners, key=len, default=None)


def _is_foreign(key: str, section: type[Section]) -> bool:
    """An unknown variable belongs to somebody else, unless it is so near to one of ours that it must be a typo."""
    if _SERVICE_LINK.fullmatch(key):
        return True
    return not difflib.get_close_matches(key, section.model_fields, n=1, cutoff=0.75)


POSTGRES_SCHEMES = ("postgresql", "postgres")


def database_url() -> str:
    """For commands that need DATABASE_URL alone; ends the process where it is missing or wrong."""
    dsn, expected = os.environ.get("DATABASE_URL", ""), DatabaseSection.model_fields["url"].description
    if not dsn:
        refuse(f"DATABASE_URL: missing. Expected: {expected}")
    try:
        check_url(dsn, POSTGRES_SCHEMES)
    except ValueError as error:
        refuse(f"DATABASE_URL: wrong: {error}. Expected: {expected}")
    return dsn


Loaded = TypeVar("Loaded", bound=ServiceSettings)


def load(settings_class: type[Loaded]) -> Loaded:
    """The settings, or one line a problem on standard error and exit 2. The log takes the service's keys then."""
    allow(settings_class.log_keys, (settings_class.service, *settings_class.log_names))
    try:
        return settings_class()
    except ValidationError as error:
        refuse(*problems(settings_class, error))


def refuse(*lines: str) -> NoReturn:
    """Ends the process because its environment is wrong."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    raise SystemExit(WRONG_SETTINGS)


def problems(settings_class: type[ServiceSettings], error: ValidationError) -> Iterator[str]:
    """One line a problem: the variable, what is wrong, what is expected. Never the value."""
    types = section_types(settings_class)
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        names = [str(part) for part in detail["loc"]]
        section = types.get(names[0]) if names else None
        known = section.model_fields if section else {}
        field = known.get(names[1]) if len(names) > 1 else None
        yield f"{'_'.join(names[:2]).upper()}: {_what(detail['type'], detail['msg'], names, known)}" + (
            f" Expected: {field.description}" if field else ""
        )


def _what(kind: str, message: str, names: list[str], known: Mapping[str, FieldInfo]) -> str:
    if kind == "missing":
        return "missing."
    if kind == "extra_forbidden":
        close = difflib.get_close_matches(names[-1], known, n=1, cutoff=0.0)
        meant = f" Did you mean {f'{names[0]}_{close[0]}'.upper()}?" if close else ""
        return f"no such variable.{meant}"
    return f"wrong: {message.removeprefix('Value error, ')}."
