"""Every service and command as a real process that can't start: it says why in a line, and waits for what may come."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deploy.local.addresses import Addresses
from deploy.local.backends import Backends
from deploy.local.guardian import Guardian
from deploy.local.office import answers_ok
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.supervisor import Supervisor
from deploy.local.table import INGRESS, MIGRATE, REGISTER, SERVICES, TICKER, TOPICS, WORKER, Job, Service, Wiring
from deploy.local.waiting import LONG
from kanzlei.topics import SOURCE_TOPICS
from sandbox.google.service_account import account_of
from synckit.service.settings_doc import variables

WRONG_SETTINGS = 2
NOBODY = f"{LOOPBACK}:1"
SECRET = "Zwiebelfisch"
KAFKA = "KAFKA_BOOTSTRAP_SERVERS"
ON_KAFKA = [service for service in SERVICES if KAFKA in service.variables]
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.name))
each_on_kafka = pytest.mark.parametrize("service", ON_KAFKA, ids=lambda service: str(service.name))
each_command = pytest.mark.parametrize("command", [TOPICS, MIGRATE, REGISTER], ids=lambda job: str(job.name))


def wiring(folder: Path, kafka: str = NOBODY) -> Wiring:
    """Addresses at which nobody answers, but perhaps a broker."""
    url = f"http://{NOBODY}"
    account_of(None).write(folder / "google.json", url)
    here = Addresses(
        kafka,
        f"postgresql://sync:{SECRET}@{NOBODY}/sync",
        f"redis://{NOBODY}",
        url,
        "key",
        url,
        services={INGRESS.name: url},
        google_url=url,
        google_key_file=str(folder / "google.json"),
        google_role_account="role@office.example",
    )
    return Wiring(here, folder / "secrets.json", {"LOG_FORMAT": "json"})


async def ended(argv: list[str], environment: Mapping[str, str]) -> tuple[int | None, str, str]:
    """Exit status, standard output and standard error of a process that ends by itself."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, env=environment, stdout=pipe, stderr=pipe)
    try:
        out, err = await asyncio.wait_for(process.communicate(), LONG)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode(), err.decode()


@each_service
async def test_a_missing_variable_is_one_line_that_names_it_and_exit_2(service: Service, tmp_path: Path) -> None:
    wired = wiring(tmp_path)
    whole = wired.environment(service, 0)
    one = service.variables[0]
    lacking = {name: value for name, value in whole.items() if name != one}
    nothing = {name: value for name, value in whole.items() if name not in service.variables}
    (status, out, err), (status_of_none, _, err_of_none) = await asyncio.gather(
        ended(wired.argv(service), lacking), ended(wired.argv(service), nothing)
    )
    assert (status, out) == (WRONG_SETTINGS, "")
    [line] = err.splitlines()
    assert line.startswith(f"{one}: missing.")
    assert status_of_none == WRONG_SETTINGS
    named = {line.partition(":")[0] for line in err_of_none.splitlines()}
    assert len(named) == len(err_of_none.splitlines())
    assert named >= required(service), "all that is missing is told at once"


def required(service: Service) -> set[str]:
    """What the service's settings have no default for."""
    settings = importlib.import_module(f"{service.module}.settings").Settings
    return {variable.name for variable in variables(settings) if variable.default is None} & set(service.variables)


@pytest.mark.parametrize(
    ("service", "variable", "value"),
    [
        (INGRESS, "WEBHOOK_INGRESS_SECRETS", f"{{{SECRET}"),
        (WORKER, "DATABASE_URL", f"mysql://{SECRET}"),
        (TICKER, "TICKER_SWEEP_SECONDS", SECRET),
    ],
    ids=lambda each: each.name if isinstance(each, Service) else "",
)
async def test_a_wrong_variable_is_one_line_that_names_it_without_its_value_and_exit_2(
    service: Service, variable: str, value: str, tmp_path: Path
) -> None:
    wired = wiring(tmp_path)
    status, out, err = await ended(wired.argv(service), {**wired.environment(service, 0), variable: value})
    assert (status, out) == (WRONG_SETTINGS, "")
    [line] = err.splitlines()
    assert line.startswith(variable)
    assert SECRET not in line


@each_command
async def test_a_command_without_its_variable_names_it_and_ends_with_2(command: Job, tmp_path: Path) -> None:
    wired = wiring(tmp_path)
    environment = {name: value for name, value in wired.environment(command).items() if name not in command.variables}
    words = (
        ["--espocrm-url", f"http://{NOBODY}", "--url", f"http://{NOBODY}", "--dry-run"] if command is REGISTER else []
    )
    status, _, err = await ended([*wired.argv(command), *words], environment)
    assert status == WRONG_SETTINGS
    assert any(name in err for name in command.variables)
    assert "Traceback" not in err


@each_on_kafka
def test_started_before_its_broker_a_service_says_so_lives_and_is_not_ready(service: Service, tmp_path: Path) -> None:
    supervisor, port = Supervisor(tmp_path), Ports(tmp_path).claim(service.name)
    wired = wiring(tmp_path)
    (tmp_path / "secrets.json").write_text(json.dumps({"id": "key"}))
    url = f"http://{LOOPBACK}:{port}"
    supervisor.spawn(service.name, wired.argv(service, port), env=wired.environment(service, port))
    try:
        supervisor.wait_until(service.name, lambda: "waiting" in supervisor.log_tail(service.name), LONG)
        assert answers_ok(f"{url}/health/live")
        assert not answers_ok(f"{url}/health/ready")
        assert supervisor.is_alive(service.name)
    finally:
        supervisor.stop(service.name, 20.0)


@pytest.fixture(scope="module")
def bare_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker without any topic."""
    folder = tmp_path_factory.mktemp("bare-broker")
    guardian = Guardian(folder)
    try:
        broker = Backends(folder)
        broker.start("kafka")
        yield broker.kafka_bootstrap
    finally:
        guardian.close()


@pytest.mark.stack
@each_on_kafka
async def test_a_missing_topic_ends_the_service_with_the_command_that_creates_it(
    service: Service, bare_broker: str, tmp_path: Path
) -> None:
    wired = wiring(tmp_path, bare_broker)
    (tmp_path / "secrets.json").write_text(json.dumps({"id": "key"}))
    status, out, _ = await ended(wired.argv(service), wired.environment(service, 0))
    assert status == 1
    assert any(topic in out for topic in SOURCE_TOPICS)
    assert "python -m synckit.kafka apply" in out
