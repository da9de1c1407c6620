"""Real brokers: started, killed, found again."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from eventops.config import load_contexts
from eventops.errors import BrokerUnreachable, ProvisioningError
from eventops.local import nodes, ports, state
from eventops.local.model import DEFAULT_PORT, ClusterRecord, LocalCluster, Node, Plan, ProcessId, Standing
from eventops.local.service import LocalKafka
from tests.local.conftest import Eventually

UP = [sys.executable, "-m", "eventops", "local", "up"]


def create_topic(servers: str | None, name: str, copies: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": servers or ""})
    admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=copies)])[name].result(20)


def topics(servers: str | None) -> set[str]:
    return set(AdminClient({"bootstrap.servers": servers or ""}).list_topics(timeout=20).topics)


def pids(cluster: LocalCluster) -> list[int | None]:
    return [status.pid for status in cluster.nodes]


def kill(cluster: LocalCluster, number: int = 1) -> None:
    pid = cluster.nodes[number - 1].pid
    assert pid is not None
    process = psutil.Process(pid)
    process.kill()
    process.wait(20)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody else listens; the usual one where it is free."""
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", DEFAULT_PORT if ports.is_free(DEFAULT_PORT) else 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.broker
def test_a_day_in_its_life(kafka: LocalKafka, port: int, unique: Callable[[str], str]) -> None:
    assert kafka.status().standing is Standing.ABSENT
    progress: list[str] = []
    first = kafka.up(port=port, progress=progress.append)
    assert not first.already
    assert "starting Kafka 4.4.0" in progress[-1]
    assert first.cluster == kafka.status()
    assert first.cluster.standing is Standing.RUNNING
    assert first.cluster.bootstrap_servers == f"127.0.0.1:{port}"
    assert load_contexts(kafka.home / "contexts.toml").current == "local"
    create_topic(first.cluster.bootstrap_servers, topic := unique("orders"))
    assert any("Kafka Server started" in line for line in kafka.logs(lines=500))

    second = kafka.up()
    assert second.already
    assert second.cluster == first.cluster
    with pytest.raises(ProvisioningError, match=f"up on port {port}, not {port + 1}: `eventops local down` first"):
        kafka.up(port=port + 1)
    with pytest.raises(ProvisioningError, match="has 1 broker, not 3"):
        kafka.up(brokers=3)

    kill(first.cluster)
    broken = kafka.status()
    assert broken.standing is Standing.BROKEN
    assert "broker 1 is gone; `eventops local up` brings it back" in (broken.reason or "")
    third = kafka.up()
    assert not third.already
    assert topic in topics(third.cluster.bootstrap_servers)

    assert kafka.down()
    assert kafka.status().standing is Standing.STOPPED
    assert load_contexts(kafka.home / "contexts.toml").current is None
    assert not kafka.down()
    kafka.down(delete_data=True)
    assert kafka.status().standing is Standing.ABSENT
    assert not list(kafka.state_home.glob("node-*"))


@pytest.mark.broker
def test_two_starters_at_once_start_one(home: Path, kafka: LocalKafka, environ: dict[str, str], port: int) -> None:
    command = [*UP, "--port", str(port)]
    starters = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(starter.communicate(timeout=60)[0].split(" at ")[0] for starter in starters)
    assert said == ["Kafka 4.4.0 is up", "Kafka 4.4.0 was already up"]
    started = [p for p in psutil.process_iter(["cmdline"]) if str(home) in " ".join(p.info["cmdline"] or ())]
    assert [process.pid for process in started] == pids(kafka.status())


@pytest.mark.broker
def test_a_taken_port(kafka: LocalKafka, taken_port: int) -> None:
    with pytest.raises(ProvisioningError, match=f"port {taken_port} is taken .*choose another with --port"):
        kafka.up(port=taken_port)
    assert kafka.status().standing is Standing.ABSENT
    started = kafka.up()
    found = started.cluster.nodes[0].node.port
    assert found != DEFAULT_PORT
    assert started.notes[0] == f"port {DEFAULT_PORT} is taken; Kafka listens on {found}"


def test_anothers_cluster_on_our_port_is_no_answer(tmp_path: Path) -> None:
    node = Node(1, 9092, 9093, tmp_path)
    plan = Plan("ours", (node,))
    assert nodes.all_answer(plan, lambda _servers, _brokers: "ours")
    assert not nodes.all_answer(plan, lambda _servers, _brokers: "somebody else's")
    assert not nodes.all_answer(plan, lambda _servers, _brokers: None)


@pytest.mark.broker
def test_three_brokers_bear_the_loss_of_one(kafka: LocalKafka, unique: Callable[[str], str]) -> None:
    before = kafka.up(brokers=3).cluster
    assert len(set(pids(before))) == 3
    create_topic(before.bootstrap_servers, topic := unique("orders"), copies=3)
    kill(before, number=2)
    assert kafka.status().standing is Standing.BROKEN
    after = kafka.up().cluster
    assert after.standing is Standing.RUNNING
    assert [old == new for old, new in zip(pids(before), pids(after), strict=True)] == [True, False, True]
    assert topic in topics(after.nodes[1].node.address)
    for number in (1, 2, 3):  # the last of a quorum would wait 5 s for a successor
        kill(after, number)


@pytest.mark.broker
def test_a_broker_that_dies_at_its_start_says_why(kafka: LocalKafka, port: int) -> None:
    """Its data claim to be another node's."""
    planned = Plan(nodes.new_cluster_id(), (Node(1, port, ports.any_free(1)[0], kafka.state_home / "node-1"),))
    nodes.prepare(planned.nodes, planned, kafka.install())
    meta = planned.nodes[0].data / "meta.properties"
    meta.write_text(meta.read_text().replace("node.id=1", "node.id=7"))
    state.save(kafka.state_home, ClusterRecord(planned))
    with pytest.raises(ProvisioningError, match=r"died at its start \(.*node.*7.*its log is .*node-1/kafka\.log"):
        kafka.up()
    assert kafka.status().standing is Standing.STOPPED


@pytest.mark.broker
def test_a_broker_dies_with_its_user(
    tmp_path: Path, environ: dict[str, str], software: Path, eventually: Eventually
) -> None:
    """The user is killed by SIGKILL: nobody of ours is left to end the broker."""
    directory = tmp_path / "of-a-demo"
    script = (
        "from pathlib import Path; from eventops.bootstrap import local_kafka; import time\n"
        f"with local_kafka().ephemeral(Path({str(directory)!r})) as servers:\n"
        "    print(servers, flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environ, text=True) as user:
        assert user.stdout is not None
        port = int(user.stdout.readline().rpartition(":")[2])
        assert not ports.is_free(port)
        user.send_signal(signal.SIGKILL)
    eventually(lambda: ports.is_free(port))


def test_a_number_that_another_program_got_is_no_broker_of_ours(kafka: LocalKafka, port: int) -> None:
    """The recorded pid is this very test's, which was created at another time."""
    record = planned_record(kafka, port, ProcessId(os.getpid(), created=1.0))
    state.save(kafka.state_home, record)
    assert kafka.status().standing is Standing.BROKEN
    assert not kafka.down()
    assert kafka.status().standing is Standing.STOPPED


def test_a_number_that_nobody_has_is_stale(kafka: LocalKafka, port: int) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as ended:
        ended.wait(20)
    state.save(kafka.state_home, planned_record(kafka, port, ProcessId(ended.pid, created=1.0)))
    assert kafka.status().standing is Standing.BROKEN


def planned_record(kafka: LocalKafka, port: int, process: ProcessId) -> ClusterRecord:
    node = Node(1, port, port, state.node_directory(kafka.state_home, 1))
    return ClusterRecord(Plan(nodes.new_cluster_id(), (node,)), {1: process})


def test_data_of_another_version(kafka: LocalKafka, port: int) -> None:
    record = planned_record(kafka, port, ProcessId(os.getpid(), created=1.0))
    state.save(kafka.state_home, replace(record, plan=replace(record.plan, version="3.9.0")))
    with pytest.raises(ProvisioningError, match=r"those of Kafka 3\.9\.0, and this is 4\.4\.0: .*--delete-data"):
        kafka.up()


def test_a_state_that_is_not_ours(kafka: LocalKafka) -> None:
    kafka.state_home.mkdir()
    (kafka.state_home / "cluster.json").write_text('{"nodes": "none"}')
    with pytest.raises(ProvisioningError, match=r"isn't a state of the local Kafka: .*--delete-data"):
        kafka.up()
    kafka.down(delete_data=True)
    assert kafka.status().standing is Standing.ABSENT


def test_a_cluster_that_does_not_answer(tmp_path: Path, port: int) -> None:
    node = Node(1, port, port, tmp_path)
    launch = nodes.Launch(node, 0, is_alive=lambda: True)
    with pytest.raises(BrokerUnreachable, match=r"runs but hasn't answered for 0 s: see .*kafka\.log"):
        nodes.await_ready(Plan("id", (node,)), [launch], lambda servers, brokers: None, seconds=0)


def test_no_log_before_the_first_start(kafka: LocalKafka) -> None:
    with pytest.raises(ProvisioningError, match="no log of a local broker 1: start it with `eventops local up`"):
        kafka.logs()
