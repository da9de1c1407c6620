from dataclasses import replace
from pathlib import Path

import pytest

from eventops.local import rules
from eventops.local.model import Installation, Java, Node, Plan

NODES = tuple(Node(number, 9091 + number, 10091 + number, Path(f"/data/node-{number}")) for number in (1, 2, 3))
THREE = Plan("id", NODES)
ONE = Plan("id", NODES[:1])


def properties(node: Node, plan: Plan) -> dict[str, str]:
    return dict(line.split("=", 1) for line in rules.server_properties(node, plan).splitlines())


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime', 17),
        ('java version "1.8.0_402"', 8),  # before 9 the feature version came second
        ('openjdk version "21" 2023-09-19', 21),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('Picked up JAVA_TOOL_OPTIONS: -Dversion="2"\nopenjdk version "25.0.2"', 25),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
        ('version "seventeen"', None),
        ("\x00\ufffd", None),
        ("", None),
    ],
)
def test_what_java_says_of_its_version(text: str, version: int | None) -> None:
    assert rules.java_version(text) == version


def test_the_first_java_that_is_new_enough_is_chosen() -> None:
    old, new, newest = (Java(Path("/java"), version, "here") for version in (11, 17, 25))
    assert rules.choose_java([old, new, newest]) == new
    assert rules.choose_java([old]) is None
    assert rules.choose_java([]) is None


@pytest.mark.parametrize(
    ("first", "count", "taken", "chosen"),
    [
        (9092, 1, set(), (9092,)),
        (9092, 3, {9092, 9094}, (9093, 9095, 9096)),
        (65534, 3, set(), (65534, 65535)),  # the numbers run out
    ],
)
def test_free_ports_are_the_next_ones(first: int, count: int, taken: set[int], chosen: tuple[int, ...]) -> None:
    assert rules.choose_ports(first, count, lambda port: port not in taken) == chosen


def test_nothing_listens_beyond_this_machine() -> None:
    for name in ("listeners", "advertised.listeners", "controller.quorum.voters"):
        addresses = properties(NODES[1], THREE)[name].split(",")
        assert all("127.0.0.1:" in address for address in addresses)


def test_a_node_is_broker_and_controller() -> None:
    found = properties(NODES[1], THREE)
    assert found["process.roles"] == "broker,controller"
    assert found["node.id"] == "2"
    assert found["listeners"] == "PLAINTEXT://127.0.0.1:9093,CONTROLLER://127.0.0.1:10093"
    assert found["controller.quorum.voters"] == "1@127.0.0.1:10092,2@127.0.0.1:10093,3@127.0.0.1:10094"
    assert found["log.dirs"] == "/data/node-2/data"
    assert found["auto.create.topics.enable"] == "false"


@pytest.mark.parametrize(("plan", "copies", "in_sync"), [(ONE, "1", "1"), (THREE, "3", "2")])
def test_internal_topics_are_as_safe_as_the_cluster_allows(plan: Plan, copies: str, in_sync: str) -> None:
    found = properties(NODES[0], plan)
    for topic in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
        assert found[f"{topic}.replication.factor"] == copies
        assert found[f"{topic}.num.partitions"] == "5"
    assert found["transaction.state.log.min.isr"] == found["share.coordinator.state.topic.min.isr"] == in_sync


def test_five_nodes_keep_three_copies() -> None:
    five = replace(THREE, nodes=tuple(replace(NODES[0], number=number) for number in range(1, 6)))
    assert properties(NODES[0], five)["offsets.topic.replication.factor"] == "3"


def test_a_broker_runs_with_512_megabytes() -> None:
    installation = Installation("4.4.0", Path("/libs"), Java(Path("/java"), 17, "PATH"))
    command = rules.broker_command(installation, NODES[0])
    assert command[0] == "/java"
    assert "-Xmx512m" in command
    assert command[-4:] == ["-cp", "/libs/*", "kafka.Kafka", "/data/node-1/server.properties"]


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("", None),
        ("\n\n", None),
        ("[main] INFO k - starting\n[main] INFO k - still\n", "[main] INFO k - still"),
        ("[main] ERROR k - no room\n[main] INFO k - bye\n", "[main] ERROR k - no room"),
        ("[main] ERROR k - Exiting\njava.io.IOException: full\n\tat k.K\n", "java.io.IOException: full"),
        ("java.lang.RuntimeException: x\n\tat a\nCaused by: b.C$DException: why\n\tat b\n", "b.C$DException: why"),
    ],
)
def test_the_telling_line_of_a_log(log: str, line: str | None) -> None:
    assert rules.telling_line(log) == line


def test_a_lost_port_is_recognised() -> None:
    assert rules.lost_a_port("Caused by: java.net.BindException: Address already in use")
    assert not rules.lost_a_port("java.io.IOException: No space left on device")
