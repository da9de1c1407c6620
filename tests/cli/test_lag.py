"""``eventops lag`` as a shell runs it."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from eventops.events import Partition
from tests.brokers.lab import KafkaLab
from tests.cli.running import ROOT, Shell


def schema(name: str) -> dict[str, Any]:
    """The contract of a command's JSON."""
    found: dict[str, Any] = json.loads((ROOT / f"docs/reference/schemas/{name}.schema.json").read_text())
    return found


@pytest.fixture
def lab(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[KafkaLab]:
    lab = KafkaLab(bootstrap_servers, unique)
    yield lab
    lab.close()


@pytest.fixture
def eventops(bootstrap_servers: str, tmp_path: Path) -> Shell:
    return Shell(tmp_path, bootstrap_servers)


@pytest.fixture
def billing(lab: KafkaLab) -> str:
    """A group three behind on one of its partitions."""
    topic, group = lab.topic(partitions=2), lab.name("billing")
    lab.append(Partition(topic, 0), *(b"%d" % number for number in range(5)))
    lab.commit(group, {Partition(topic, 0): 2, Partition(topic, 1): 0})
    return group


@pytest.mark.broker
def test_a_snapshot_in_every_form(eventops: Shell, billing: str) -> None:
    table = eventops("lag", billing)
    assert (table.returncode, table.stderr) == (0, "")
    assert billing in table.stdout
    assert "inactive" in table.stdout
    document = json.loads(eventops("lag", "-o", "json", billing).stdout)
    validate(document, schema("lag"))
    told = document["groups"][0]
    assert (told["group"], told["lag"], len(told["partitions"])) == (billing, 3, 2)
    (line,) = eventops("lag", "show", billing, "-o", "ndjson").stdout.splitlines()
    assert json.loads(line)["lag"] == 3
    (row,) = csv.DictReader(io.StringIO(eventops("lag", billing, "-o", "csv").stdout))
    assert (row["group"], row["lag"]) == (billing, "3")


@pytest.mark.broker
def test_all_groups_are_shown_without_a_name(eventops: Shell, billing: str) -> None:
    assert billing in eventops("lag").stdout
    validate(json.loads(eventops("lag", "-o", "json").stdout), schema("lag"))


@pytest.mark.broker
@pytest.mark.parametrize(
    ("limits", "code", "outcome"),
    [
        (("--max-lag", "3"), 0, "fine"),
        (("--max-lag", "2"), 1, "breached"),
        (("--max-age", "1h"), 0, "fine"),
        (("--max-age", "0ms"), 1, "breached"),
        (("missing", "--max-lag", "9"), 5, "unknown"),
    ],
)
def test_a_check_speaks_by_its_exit_code(
    eventops: Shell, billing: str, lab: KafkaLab, limits: tuple[str, ...], code: int, outcome: str
) -> None:
    run = eventops("lag", "check", billing, *limits, "-o", "json")
    assert run.returncode == code
    found = json.loads(run.stdout)
    validate(found, schema("lag-check"))
    assert found["outcome"] == outcome


@pytest.mark.broker
def test_a_group_that_is_not_there_is_met_halfway(eventops: Shell, billing: str) -> None:
    run = eventops("lag", billing[:-1])
    assert (run.returncode, run.stdout) == (1, "")
    assert f"did you mean {billing}" in run.stderr


@pytest.mark.broker
def test_a_missing_group_among_others_makes_a_partial_answer(eventops: Shell, billing: str) -> None:
    run = eventops("lag", billing, "missing")
    assert run.returncode == 5
    assert "not read: missing: no such group" in run.stderr


def test_a_check_without_a_limit_is_a_usage_error(shell: Shell) -> None:
    run = shell("-b", "127.0.0.1:1", "lag", "check")
    assert run.returncode == 2
    assert "--max-lag, --max-age or both" in run.stderr


def test_help_names_both_commands(shell: Shell) -> None:
    help_ = shell("lag", "--help").stdout
    assert "check" in help_
    assert "show" in help_


@pytest.mark.broker
def test_watching_tells_rates_from_the_second_snapshot_on(eventops: Shell, billing: str) -> None:
    watching = [sys.executable, "-m", "eventops", "-b", str(eventops.bootstrap), "lag", billing]
    with subprocess.Popen(
        [*watching, "--watch", "200ms", "-o", "ndjson"], env=eventops.environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first, second = json.loads(process.stdout.readline()), json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert (first["rate_in"], first["rate_in_reason"]) == (None, "a rate takes two snapshots")
    assert (second["rate_in"], second["rate_out"], second["eta_seconds"]) == (0.0, 0.0, None)
    assert second["eta_seconds_reason"].startswith("never at this rate")
