"""``compose.yaml``, as far as it can be judged without Docker: its parts fit each other and what they are told."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from tests.services.processes import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_it_runs_the_four_parts_with_versions_that_stay() -> None:
    assert set(SERVICES) == {"kafka", "jaeger", "collector", "prometheus"}
    for name, service in SERVICES.items():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name


def test_everything_listens_on_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service["ports"]]
    assert len(published) == 6
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize(
    ("service", "source"), [("collector", "./otel-collector.yaml"), ("jaeger", "./eventops/demo/jaeger.yaml")]
)
def test_the_shipped_configuration_is_mounted_and_knows_each_variable(service: str, source: str) -> None:
    (mounted,) = SERVICES[service]["volumes"]
    host, inside, _ = mounted.split(":")
    assert (host, SERVICES[service]["command"]) == (source, [f"--config={inside}"])
    known = set(re.findall(r"\$\{env:(\w+)", (ROOT / source).read_text()))
    assert set(SERVICES[service]["environment"]) <= known, "a variable that nobody reads says nothing"


def test_addresses_name_parts_and_ports_that_are_there() -> None:
    jaeger, told = SERVICES["jaeger"]["environment"], SERVICES["collector"]["environment"]
    assert told["JAEGER_OTLP"] == f"jaeger:{jaeger['JAEGER_OTLP'].rpartition(':')[2]}"
    inside = re.search(r"INSIDE://(kafka:\d+)", SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"])
    assert inside is not None
    assert told["KAFKA_BROKER"] == inside[1]
    scraped = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])["scrape_configs"]
    shipped = (ROOT / "otel-collector.yaml").read_text()
    ports = {name: re.search(rf"{name}_PORT:-(\d+)", shipped) for name in ("PROMETHEUS", "OWN_METRICS")}
    targets = {target for job in scraped for group in job["static_configs"] for target in group["targets"]}
    assert targets == {f"collector:{found[1]}" for found in ports.values() if found}
    assert len(targets) == 2
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= set(SERVICES)


@pytest.mark.broker
def test_kafka_knows_each_property_that_its_variables_set(bootstrap_servers: str) -> None:
    admin, broker = AdminClient({"bootstrap.servers": bootstrap_servers}), ConfigResource(ResourceType.BROKER, "1")
    known = set(admin.describe_configs([broker])[broker].result(timeout=10))
    variables = set(SERVICES["kafka"]["environment"]) - {"KAFKA_HEAP_OPTS"}
    properties = {name.removeprefix("KAFKA_").lower().replace("_", ".") for name in variables}
    assert properties - known == set()
