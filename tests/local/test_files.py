"""Logs, the lock, the state, Maven's settings: what stands on disk."""

import os
import socket
import subprocess
import sys
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from eventops.errors import ProvisioningError
from eventops.local import logs, mirror, nodes, planning, ports, state
from eventops.local.lock_file import held
from eventops.local.model import ClusterRecord, Node, Plan, ProcessId
from eventops.local.planning import Wish

SETTINGS = """<?xml version="1.0"?>
<settings xmlns="urn:maven:settings">
  <mirrors>
    <mirror><id>a</id><mirrorOf>others</mirrorOf><url>https://example.org/others</url></mirror>
    <mirror><id>b</id><mirrorOf>*</mirrorOf><url>https://${host}/all</url></mirror>
    <mirror><id>c</id><mirrorOf>external:*</mirrorOf><url> https://example.org/all/ </url></mirror>
  </mirrors>
</settings>
"""


class TestLogs:
    def test_the_last_lines(self, tmp_path: Path) -> None:
        log = tmp_path / "kafka.log"
        log.write_bytes(b"one\ntwo\n\xff\n")
        assert list(logs.read(log, 2, follow=False)) == ["two", "\ufffd"]

    def test_lines_to_come_and_a_log_that_is_emptied(self, tmp_path: Path) -> None:
        log = tmp_path / "kafka.log"
        log.write_text("one\ntwo\n")
        lines = logs.read(log, 1, follow=True)
        assert next(lines) == "two"
        with log.open("a") as file:
            file.write("three\n")
        assert next(lines) == "three"
        log.write_text("new\n")
        assert next(lines) == "new"
        log.unlink()
        assert list(islice(lines, 1)) == []

    def test_a_log_that_has_grown_is_put_aside(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(nodes, "_LOG_LIMIT", 4)
        log = tmp_path / "kafka.log"
        nodes.bound(log)
        log.write_text("1234")
        nodes.bound(log)
        assert log.read_text() == "1234"
        log.write_text("12345")
        nodes.bound(log)
        assert (log.read_text(), (tmp_path / "kafka.log.1").read_text()) == ("", "12345")


class TestLock:
    def test_who_holds_it_is_named(self, tmp_path: Path, environ: dict[str, str]) -> None:
        script = (
            "from pathlib import Path; from eventops.local.lock_file import held\n"
            f"with held(Path({str(tmp_path)!r}), 'starting Kafka', 1):\n"
            "    print('held', flush=True); input()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            with pytest.raises(ProvisioningError, match=f"process {other.pid}, starting Kafka"):
                held(tmp_path, "ending Kafka", 0.1).__enter__()
            other.kill()
        with held(tmp_path, "ending Kafka", 10):
            assert str(os.getpid()) in (tmp_path / ".holder").read_text()


class TestState:
    def test_what_was_saved_is_loaded(self, tmp_path: Path) -> None:
        node_1, node_2 = (Node(n, 9000 + n, 9100 + n, state.node_directory(tmp_path, n)) for n in (1, 2))
        record = ClusterRecord(Plan("id", (node_1, node_2)), {2: ProcessId(42, 1.5)})
        assert state.load(tmp_path) is None
        state.save(tmp_path, record)
        assert state.load(tmp_path) == record

    def test_one_that_nobody_understands_still_names_its_nodes(self, tmp_path: Path) -> None:
        (tmp_path / "cluster.json").write_text("{")
        (tmp_path / "node-2").mkdir()
        record = state.load_to_delete(tmp_path)
        assert record is not None
        assert [node.directory.name for node in record.plan.nodes] == ["node-2"]


class TestPlan:
    def test_a_cluster_stays_where_it_was(self, tmp_path: Path) -> None:
        first, second = ports.any_free(2)
        before = ClusterRecord(Plan("id", (Node(1, first, second, tmp_path),)))
        assert planning.planned(tmp_path, before, Wish(), running=()) == before.plan

    def test_a_missing_node_needs_its_own_port(self, tmp_path: Path, port: int) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as other:
            taken = other.getsockname()[1]
            nodes_before = (Node(1, port, port, tmp_path), Node(2, taken, port, tmp_path))
            with pytest.raises(ProvisioningError, match=r"broker 2 had it\): free it"):
                planning.planned(tmp_path, ClusterRecord(Plan("id", nodes_before)), Wish(), running={1})

    def test_there_is_a_last_port(self, tmp_path: Path) -> None:
        with pytest.raises(ProvisioningError, match="there is no port 65536"):
            planning.planned(tmp_path, None, Wish(brokers=3, port=65535), running=())


class TestMirror:
    def test_the_one_that_stands_for_central(self, tmp_path: Path) -> None:
        file = tmp_path / "settings.xml"
        assert mirror.of_central(file) is None
        file.write_text(SETTINGS)
        assert mirror.of_central(file) == "https://example.org/all"
        file.write_text("<settings/>")
        assert mirror.of_central(file) is None
        file.write_text("no XML")
        assert mirror.of_central(file) is None
