"""Compose, images, local stack and the services' settings say the same; no container engine is needed to know."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.images.__main__ import IMAGES
from deploy.local.table import INGRESS, MIGRATE, REGISTER, ROOT, SANDBOXES, SERVICES, TOPICS, Job, Service
from sandbox.advoware.credentials import DEFAULT as ADVOWARE
from sandbox.espocrm.settings import API_KEY
from synckit.kafka.__main__ import DEFAULT_FILE
from synckit.service.settings import ServiceSettings
from synckit.service.settings_doc import Variable, variables

COMPOSE: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
JOBS = {"topics": TOPICS, "migrate": MIGRATE, "register": REGISTER}
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.name))


def settings_of(service: Service) -> dict[str, Variable]:
    settings: type[ServiceSettings] = importlib.import_module(f"{service.module}.settings").Settings
    return {variable.name: variable for variable in variables(settings)}


def environment_of(name: str) -> dict[str, str]:
    return dict(COMPOSE[name].get("environment", {}))


def dockerfile_of(name: str) -> str:
    file = str(COMPOSE[name]["build"]["dockerfile"])
    return (ROOT / file).read_text()


def documented() -> dict[str, str]:
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    return dict(lines)


@each_service
def test_the_local_stack_sets_what_a_service_requires_and_nothing_that_it_does_not_know(service: Service) -> None:
    known = settings_of(service)
    given = {*service.variables, service.port_variable}
    assert given <= set(known)
    assert {name for name, variable in known.items() if variable.default is None} <= given


@each_service
def test_compose_passes_on_every_variable_that_a_service_reads_and_no_other(service: Service) -> None:
    assert set(environment_of(service.name)) == set(settings_of(service))


@each_service
def test_what_compose_passes_on_is_taken_from_the_variable_of_the_same_name(service: Service) -> None:
    for name, value in environment_of(service.name).items():
        fixed = name in {service.port_variable, "HTTP_HOST"}
        assert fixed or value.startswith(f"${{{name}:"), f"{name} in .env would do nothing"


def test_every_variable_that_a_runbook_tells_to_set_reaches_a_container() -> None:
    pages = [
        *(ROOT / "docs" / "runbooks").glob("*.md"),
        *(ROOT / "docs" / name for name in ("reliability.md", "scaling.md")),
    ]
    words = {name for page in pages for name in re.findall(r"`([A-Z]+_[A-Z_]+[A-Z])(?:=[^`]*)?`", page.read_text())}
    ours = {name for service in SERVICES for name in settings_of(service)}
    reached = {name for name in COMPOSE for name in environment_of(name)}
    assert {"BRAKE_LEAST", "TICKER_DESK_LIMIT", "BETEILIGTE_SYNC_MAX_IN_FLIGHT"} <= words & ours
    assert words & ours <= reached


@each_service
def test_the_example_shows_the_defaults_as_they_are(service: Service) -> None:
    shown = re.findall(r"^#([A-Z_]+)=([\d.]+)$", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    known = settings_of(service)
    assert {name: value for name, value in shown if name in known and known[name].default != value} == {}


@each_service
def test_compose_sets_at_least_what_the_local_stack_sets(service: Service) -> None:
    assert {*service.variables, service.port_variable} <= set(environment_of(service.name))


@each_service
def test_settings_compose_and_image_name_the_same_port(service: Service) -> None:
    assert service.port_variable is not None
    port = settings_of(service)[service.port_variable].default
    assert environment_of(service.name)[service.port_variable] == port
    image = dockerfile_of(service.name)
    assert f"EXPOSE {port}\n" in image
    assert f"http://127.0.0.1:{port}{service.ready}" in image


@each_service
def test_an_image_starts_what_the_local_stack_starts_from_the_requirements_of_its_name(service: Service) -> None:
    image = dockerfile_of(service.name)
    assert f'CMD ["python", "-m", "{service.module}"]' in image
    assert f"COPY requirements/{service.name}.txt " in image
    assert "--require-hashes" in image
    assert f"COPY services/{service.name}/src services/{service.name}/src" in image


@pytest.mark.parametrize("name", JOBS)
def test_a_job_of_compose_is_a_job_of_the_local_stack(name: str) -> None:
    job: Job = JOBS[name]
    command = [str(word) for word in COMPOSE[name]["command"]]
    assert command[:3] == ["python", "-m", job.module]
    assert tuple(command[3 : 3 + len(job.arguments)]) == job.arguments
    assert set(job.variables) <= set(environment_of(name))


@pytest.mark.parametrize("sandbox", SANDBOXES, ids=lambda sandbox: str(sandbox.name))
def test_a_sandbox_of_compose_is_a_sandbox_of_the_local_stack(sandbox: Service) -> None:
    service = COMPOSE[sandbox.name]
    command = " ".join(service["command"])
    assert command.startswith(f"python -m {sandbox.module} --host 0.0.0.0 --port ")
    assert " ".join(sandbox.arguments) in command
    port = command.partition("--port ")[2].split()[0]
    assert f"http://127.0.0.1:{port}{sandbox.ready}" in str(service["healthcheck"]["test"])
    assert f"http://{sandbox.name}:{port}" in "".join(documented().values())
    assert service["profiles"] == ["sandbox"]


def test_every_image_takes_the_topics_file_along_to_where_the_command_looks_for_it() -> None:
    assert (ROOT / DEFAULT_FILE).exists()
    folder = Path(DEFAULT_FILE).parent
    for name in (*(service.name for service in SERVICES), "topics"):
        image = dockerfile_of(name)
        assert f"COPY {folder} {folder}\n" in image
        assert "WORKDIR /app\n" in image


def test_every_variable_that_compose_asks_for_is_in_the_example_and_the_other_way_round() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert asked == set(documented())


def test_the_example_opens_the_sandboxes() -> None:
    example = documented()
    assert example["ESPOCRM_API_KEY"] == API_KEY
    assert example["ADVOWARE_APP_ID"] == ADVOWARE.app_id
    assert example["ADVOWARE_PRODUCT_ID"] == ADVOWARE.product_id
    assert example["ADVOWARE_API_KEY"] == ADVOWARE.api_key
    assert example["ADVOWARE_KANZLEI"] == ADVOWARE.kanzlei
    assert example["ADVOWARE_DATABASE"] == ADVOWARE.database
    assert example["ADVOWARE_USER"] == ADVOWARE.user
    assert example["ADVOWARE_ROLE"] == ADVOWARE.role
    assert example["ADVOWARE_PASSWORD"] == ADVOWARE.password


def test_no_container_of_ours_runs_as_root_or_writes_its_own_files() -> None:
    ours = [name for name, service in COMPOSE.items() if str(service["image"]).startswith("synckit/")]
    assert len(ours) == len(SERVICES) + len(SANDBOXES) + len(JOBS)
    for name in ours:
        assert COMPOSE[name]["user"] == "10001:10001"
        assert COMPOSE[name]["read_only"] is True
        assert COMPOSE[name]["cap_drop"] == ["ALL"]


def test_no_container_gains_privileges() -> None:
    assert [name for name, service in COMPOSE.items() if "no-new-privileges:true" not in service["security_opt"]] == []


def test_no_containers_log_grows_for_ever() -> None:
    unbounded = [
        name for name, service in COMPOSE.items() if not {"max-size", "max-file"} <= set(service["logging"]["options"])
    ]
    assert unbounded == []


def test_everything_that_stays_has_a_health_check() -> None:
    stays = [name for name in COMPOSE if name not in JOBS]
    lacking = [
        name for name in stays if "healthcheck" not in COMPOSE[name] and "HEALTHCHECK" not in dockerfile_of(name)
    ]
    assert lacking == []


def test_third_parties_images_are_pinned_by_version() -> None:
    images = [str(service["image"]) for service in COMPOSE.values() if "build" not in service]
    foreign = [image for image in images if not image.startswith("synckit/")]
    assert sorted(image.partition(":")[0] for image in foreign) == [
        "apache/kafka",
        "grafana/grafana",
        "postgres",
        "prom/prometheus",
        "redis",
    ]
    assert all(re.search(r":v?\d+\.\d+", image) for image in foreign)


def test_every_image_of_ours_is_built_on_one_patch_release() -> None:
    files = {str(service["build"]["dockerfile"]) for service in COMPOSE.values() if "build" in service}
    bases = {
        base for file in files for base in re.findall(r"^FROM (\S+)", (ROOT / file).read_text(), flags=re.MULTILINE)
    }
    [base] = bases
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", base)


def test_the_ingress_reads_the_file_that_the_registration_writes() -> None:
    command = [str(word) for word in COMPOSE["register"]["command"]]
    written = command[command.index("--secrets-file") + 1]
    assert environment_of(INGRESS.name)["WEBHOOK_INGRESS_SECRETS_FILE"].endswith(f":-{written}}}")


def test_every_image_of_compose_is_built_and_tried_without_an_engine() -> None:
    builds = {str(service["build"]["dockerfile"]) for service in COMPOSE.values() if "build" in service}
    assert builds == set(IMAGES.values())
