"""Number by number with Kafka's own tool, and names that would like to be obeyed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eventops.events import Partition
from tests.brokers.lab import KafkaLab, eventually
from tests.cli.running import Shell
from tests.contracts import keeps_its_contract
from tests.official import ConsumerGroups

pytestmark = pytest.mark.broker

Row = tuple[str, int, int | None, int, int | None]
"""Topic, partition, committed, end, lag."""


def test_every_figure_is_that_of_the_official_tool(lab: KafkaLab, bootstrap_servers: str, tmp_path: Path) -> None:
    orders, payments = lab.topic(partitions=4), lab.topic("payments")
    for number in range(4):
        lab.append(Partition(orders, number), *(b"%d" % value for value in range(3 * number)))
    lab.append(Partition(payments, 0), *(b"%d" % value for value in range(8)))
    lab.cut(Partition(payments, 0), before=5)
    consumed, idle = lab.name("consumed"), lab.name("idle")
    with lab.member(consumed, orders, auto_offset_reset="earliest") as consumer:

        def is_read() -> bool:
            consumer.poll(0.1)
            return sum(max(at.offset, 0) for at in consumer.position(consumer.assignment())) == 3 + 6 + 9

        eventually(is_read)
        consumer.commit(asynchronous=False)
    lab.append(Partition(orders, 3), b"later", b"and later")
    lab.commit(idle, {Partition(orders, 1): 1, Partition(orders, 2): 0, Partition(payments, 0): 2})

    run = Shell(tmp_path, bootstrap_servers)("lag", consumed, idle, "-o", "json")
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    keeps_its_contract(document, "lag")
    lines = Shell(tmp_path, bootstrap_servers)("lag", consumed, idle, "-o", "ndjson").stdout.splitlines()
    assert [json.loads(line)["group"] for line in lines] == [group["group"] for group in document["groups"]]
    for group in document["groups"]:
        told = _rows(ConsumerGroups(bootstrap_servers)("--describe", "--group", group["group"]).stdout)
        ours = {_row(partition) for partition in group["partitions"]}
        assert ours == told


def test_names_that_a_terminal_would_obey_are_only_shown(
    lab: KafkaLab, bootstrap_servers: str, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    home, group = Partition(lab.topic(), 0), unique("\x1b]0;owned\x07\x1b[2J\u202egroup")
    lab.append(home, b"a")
    lab.commit(group, {home: 0})
    shell = Shell(tmp_path, bootstrap_servers)
    for output in ("table", "json", "ndjson", "csv", "yaml"):
        run = shell("lag", group, unique("not\x1b[31mthere"), "-o", output)
        assert run.returncode == 5
        assert "group" in run.stdout
        assert not {"\x1b", "\x07", "\u202e"} & set(run.stdout + run.stderr), output


def _row(partition: dict[str, object]) -> Row:
    """What the tool counts as behind includes what retention took."""
    start, committed, end, lag = (partition[name] for name in ("start", "committed", "end", "lag"))
    assert isinstance(start, int)
    assert isinstance(end, int)
    if isinstance(committed, int):
        assert isinstance(lag, int)
        lag += max(0, start - committed)
    assert committed is None or isinstance(committed, int)
    assert lag is None or isinstance(lag, int)
    return str(partition["topic"]), int(str(partition["partition"])), committed, end, lag


def _rows(text: str) -> set[Row]:
    header, *lines = (line.split() for line in text.splitlines() if line.strip() and "has no active" not in line)
    at = {name: number for number, name in enumerate(header)}

    def figure(cells: list[str], name: str) -> int | None:
        return None if cells[at[name]] == "-" else int(cells[at[name]])

    return {
        (
            cells[at["TOPIC"]],
            int(cells[at["PARTITION"]]),
            figure(cells, "CURRENT-OFFSET"),
            figure(cells, "LOG-END-OFFSET") or 0,
            figure(cells, "LAG"),
        )
        for cells in lines
    }
