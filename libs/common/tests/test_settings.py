"""Settings: what is wrong is named, what is not ours is left alone, no value is ever shown."""

from __future__ import annotations

from typing import ClassVar

import pytest
from pydantic import Field, SecretStr

from kanzlei.settings import AdvowareSection, EspoCrmSection
from synckit.service import settings_doc
from synckit.service.settings import DatabaseSection, KafkaSection, Port, RedisSection, Section, ServiceSettings, load

SECRET = "Zwiebelfisch"
GOOD = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092,other:9093",
    "DATABASE_URL": f"postgresql://sync:{SECRET}@127.0.0.1/sync",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "ESPOCRM_BASE_URL": "http://127.0.0.1:8000/",
    "ESPOCRM_API_KEY": SECRET,
    "ADVOWARE_AUTH_URL": "http://127.0.0.1:8001/api/v1/Token",
    "ADVOWARE_API_BASE_URL": "http://127.0.0.1:8001",
    "ADVOWARE_APP_ID": "app",
    "ADVOWARE_PRODUCT_ID": "64",
    "ADVOWARE_API_KEY": "c2VjcmV0",
    "ADVOWARE_KANZLEI": "kanzlei",
    "ADVOWARE_DATABASE": "db",
    "ADVOWARE_USER": "user",
    "ADVOWARE_ROLE": "2",
    "ADVOWARE_PASSWORD": SECRET,
}


class OfficeSection(Section):
    delete: str = Field(default="never", description="Whether.")


class OfficeSyncSection(Section):
    port: Port = Field(default=8081, description="Port.")


class OfficeSettings(ServiceSettings):
    service: ClassVar[str] = "office-sync"
    kafka: KafkaSection
    database: DatabaseSection
    redis: RedisSection
    espocrm: EspoCrmSection
    advoware: AdvowareSection
    office: OfficeSection
    office_sync: OfficeSyncSection


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refused(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as caught:
        load(OfficeSettings)
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert SECRET not in told
    return told.splitlines()


@pytest.mark.usefixtures("environment")
def test_variables_become_sections() -> None:
    loaded = load(OfficeSettings)
    assert loaded.kafka.bootstrap_servers == "127.0.0.1:9092,other:9093"
    assert loaded.espocrm.base_url == "http://127.0.0.1:8000"
    assert loaded.espocrm.api_key.get_secret_value() == SECRET
    assert loaded.advoware.role == "2"
    assert (loaded.log.level, loaded.log.format) == ("info", "auto")


@pytest.mark.usefixtures("environment")
def test_secrets_are_not_printed_by_accident() -> None:
    assert SECRET not in repr(load(OfficeSettings)) + str(load(OfficeSettings).database)


def test_the_longest_section_name_owns_a_variable(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OFFICE_SYNC_PORT", "9")
    environment.setenv("OFFICE_DELETE", "when-unused")
    loaded = load(OfficeSettings)
    assert (loaded.office_sync.port, loaded.office.delete) == (9, "when-unused")


def test_each_missing_variable_has_a_line_with_what_is_expected(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("KAFKA_BOOTSTRAP_SERVERS")
    environment.setenv("ADVOWARE_KANZLEI", "")
    lines = refused(capsys)
    assert lines == [
        "KAFKA_BOOTSTRAP_SERVERS: missing. Expected: Brokers as host:port, separated by commas.",
        "ADVOWARE_KANZLEI: missing. Expected: Kanzlei of the token request.",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", SECRET),
        ("DATABASE_URL", f"mysql://{SECRET}"),
        ("DATABASE_POOL_SIZE", SECRET),
        ("REDIS_URL", SECRET),
        ("ESPOCRM_BASE_URL", SECRET),
        ("ADVOWARE_API_KEY", f"{SECRET}ß"),
        ("OFFICE_SYNC_PORT", "70000"),
        ("OFFICE_SYNC_PORT", f"tcp://{SECRET}:8081"),
        ("LOG_LEVEL", SECRET),
    ],
)
def test_a_wrong_value_has_one_line_that_names_the_variable_and_not_the_value(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    environment.setenv(name, value)
    [line] = refused(capsys)
    assert line.startswith(f"{name}: wrong: ")
    assert "Expected: " in line


def test_a_typo_is_reported_with_what_was_meant(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("KAFKA_BOOTSTRAP_SERVER", "x:1")
    environment.setenv("OFFICE_DELETES", SECRET)
    assert refused(capsys) == [
        "KAFKA_BOOTSTRAP_SERVER: no such variable. Did you mean KAFKA_BOOTSTRAP_SERVERS?",
        "OFFICE_DELETES: no such variable. Did you mean OFFICE_DELETE?",
    ]


def test_variables_of_others_break_nothing(environment: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_HOME", "REDIS_PORT_6379_TCP_ADDR", "REDIS_SERVICE_HOST", "DATABASE", "LOG_DIRECTORY", "OFFICE"):
        environment.setenv(name, "x")
    environment.setenv("OFFICE_SYNC_SERVICE_PORT_HTTP", "8081")
    for name in ("ESPOCRM_ADMIN_USERNAME", "OFFICE_SYNC_URL", "OFFICE_SYNC_PUBLISH", "OFFICE_IMAGE"):
        environment.setenv(name, "x")
    assert load(OfficeSettings).redis.url == SecretStr("redis://127.0.0.1:6379/0")


def test_the_table_and_the_example_name_every_variable_and_no_secret_default() -> None:
    table, example = settings_doc.table(OfficeSettings), settings_doc.env_example(OfficeSettings)
    for name in GOOD:
        assert f"| `{name}` | must be set |" in table
        assert f"\n{name}=\n" in example
    assert "| `OFFICE_SYNC_PORT` | `8081` | Port. |" in table
    assert "# LOG_LEVEL=info" in example
    assert "Base64. Secret. |" in table


def test_every_field_of_every_section_is_described() -> None:
    assert all(one.description for one in settings_doc.variables(OfficeSettings))
