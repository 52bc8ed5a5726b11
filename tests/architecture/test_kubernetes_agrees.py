"""Kubernetes' resources agree with settings, local stack and the table of flows; no cluster is needed."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.kubernetes.network import OURS, OUTSIDE, End, allowed
from deploy.local.table import MIGRATE, ROOT, SERVICES, TOPICS, Job, Service
from synckit.service.settings_doc import Variable, variables

FOLDER = ROOT / "deploy" / "kubernetes"
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.name))
LABELS = {
    "tls-ingress": {"kubernetes.io/metadata.name": "tls", "synckit/tls-ingress": "true"},
    "caller": {"kubernetes.io/metadata.name": "tools", "synckit/caller": "true"},
    "monitoring": {"kubernetes.io/metadata.name": "monitoring"},
    "stranger": {"kubernetes.io/metadata.name": "default"},
    "synckit-servers": {"kubernetes.io/metadata.name": "synckit-servers"},
}


@cache
def documents(name: str) -> tuple[dict[str, Any], ...]:
    return tuple(document for document in yaml.safe_load_all((FOLDER / name).read_text()) if document)


def of_kind(name: str, kind: str) -> list[dict[str, Any]]:
    return [document for document in documents(name) if document["kind"] == kind]


def deployment(service: Service) -> dict[str, Any]:
    (only,) = of_kind(f"base/{service.name}.yaml", "Deployment")
    return only


def settings_of(service: Service) -> dict[str, Variable]:
    settings = importlib.import_module(f"{service.module}.settings").Settings
    return {variable.name: variable for variable in variables(settings)}


def common() -> dict[str, str]:
    lines = (FOLDER / "base" / "servers.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def secrets() -> dict[str, dict[str, str]]:
    return {document["metadata"]["name"]: document["stringData"] for document in documents("examples/secrets.yaml")}


def flows() -> list[tuple[str, str, int, bool]]:
    lines = (FOLDER / "flows.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(source, target, int(port), may == "yes") for source, target, port, may in rows]


def end(name: str) -> End:
    if name == OUTSIDE:
        return End(None)
    if name in LABELS:
        return End(LABELS[name])
    ports = {service.name: int(str(settings_of(service)[str(service.port_variable)].default)) for service in SERVICES}
    labels = {"app.kubernetes.io/name": name}
    return End({"kubernetes.io/metadata.name": OURS}, labels, {"http": ports[name]} if name in ports else {})


@each_service
def test_a_service_has_deployment_address_and_budget(service: Service) -> None:
    kinds = [document["kind"] for document in documents(f"base/{service.name}.yaml")]
    assert kinds == ["Deployment", "Service", "PodDisruptionBudget"]
    port = int(str(settings_of(service)[str(service.port_variable)].default))
    (container,) = deployment(service)["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": port}]
    assert of_kind(f"base/{service.name}.yaml", "Service")[0]["spec"]["ports"][0]["port"] == port
    assert container["image"] == f"synckit/{service.name}"


@each_service
def test_a_service_gets_what_it_requires_and_nothing_else(service: Service) -> None:
    known = settings_of(service)
    secret = secrets()[service.name]
    assert {name for name in secret if name not in known} == set()
    assert {name for name, variable in known.items() if variable.default is None} <= {*secret, *common()}


@each_service
def test_a_pod_waits_for_what_its_service_needs(service: Service) -> None:
    (wait,) = deployment(service)["spec"]["template"]["spec"]["initContainers"]
    assert ("DATABASE_URL" in settings_of(service)) == (f"python -m {MIGRATE.module} check" in wait["command"][2])
    assert ("KAFKA_BOOTSTRAP_SERVERS" in settings_of(service)) == (
        f"python -m {TOPICS.module} check" in wait["command"][2]
    )


@pytest.mark.parametrize("job", [MIGRATE, TOPICS], ids=lambda job: str(job.name))
def test_a_job_carries_the_version_and_the_local_command(job: Job) -> None:
    (kustomization,) = documents("base/kustomization.yaml")
    version = kustomization["images"][0]["newTag"]
    found = [each for each in documents("base/jobs.yaml") if job.module in str(each["spec"])]
    (resource,) = found
    assert resource["metadata"]["name"].endswith(f"-{version.replace('.', '-')}")
    (container,) = resource["spec"]["template"]["spec"]["containers"]
    assert container["command"][: 3 + len(job.arguments)] == ["python", "-m", job.module, *job.arguments]


def test_every_image_has_the_version_of_the_changelog() -> None:
    (kustomization,) = documents("base/kustomization.yaml")
    tags = {image["newTag"] for image in kustomization["images"]}
    assert len(tags) == 1
    assert f"## [{tags.pop()}]" in (ROOT / "CHANGELOG.md").read_text()
    assert {image["name"] for image in kustomization["images"]} == {
        "synckit/migrate",
        *(f"synckit/{service.name}" for service in SERVICES),
    }


@pytest.mark.parametrize(("source", "target", "port", "may"), flows())
def test_the_network_lets_through_what_the_table_says(source: str, target: str, port: int, may: bool) -> None:
    assert allowed(documents("base/network.yaml"), end(source), end(target), port) is may


@each_service
def test_the_table_of_flows_speaks_of_every_service(service: Service) -> None:
    """Each pair of our pods is closed, and each service has a line for what it may and for what it may not."""
    rows = flows()
    assert {may for source, target, _, may in rows if service.name in (source, target)} == {True, False}
    policies = documents("base/network.yaml")
    port = end(service.name).ports["http"]
    assert [
        other.name
        for other in SERVICES
        if other != service and allowed(policies, end(other.name), end(service.name), port)
    ] == []


def test_an_unknown_part_of_a_policy_is_refused() -> None:
    """A part that is not read would make the table true and the cluster something else."""
    policy = {
        "metadata": {"name": "x"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {}}], "endPort": 9}]},
    }
    with pytest.raises(ValueError, match="endPort"):
        allowed([policy], end("ticker"), end(OUTSIDE), 443)


def test_every_file_of_the_base_is_built() -> None:
    (kustomization,) = documents("base/kustomization.yaml")
    used = {*kustomization["resources"], *(patch["path"] for patch in kustomization["patches"])}
    there = {path.name for path in Path(FOLDER / "base").glob("*.yaml")} - {"kustomization.yaml"}
    assert used == there
