"""Processes that outlive their starter. No Kafka: a shell under Java's name does."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from eventops.errors import ProvisioningError
from eventops.local import processes
from eventops.local.model import ProcessId
from tests.local.conftest import Eventually

LISTENS = "echo up; sleep 600"
DOES_NOT_LISTEN = "trap '' TERM; echo up; while :; do sleep 0.05; done"


@pytest.fixture
def java(tmp_path: Path) -> Path:
    link = tmp_path / "java"
    link.symlink_to("/bin/sh")
    return link


@pytest.mark.parametrize(("script", "killed"), [(LISTENS, ()), (DOES_NOT_LISTEN, (1,))])
def test_from_start_to_end(
    tmp_path: Path, java: Path, eventually: Eventually, script: str, killed: tuple[int, ...]
) -> None:
    log, properties = tmp_path / "log", str(tmp_path / "server.properties")
    log.write_text("before\n")
    started = processes.start_detached([str(java), "-c", script, properties], log)
    try:
        eventually(lambda: log.read_text() == "before\nup\n")
        assert processes.is_alive(started)
        assert os.getsid(started.pid) == started.pid  # a terminal's Ctrl-C doesn't reach it
        found = processes.find(properties)
        assert found is not None
        assert found.pid == started.pid
    finally:
        assert processes.end({1: started}, seconds=0.3 if killed else 20) == killed
    assert not processes.is_alive(started)
    assert processes.find(properties) is None


def test_ending_nobody() -> None:
    assert processes.end({1: ProcessId(os.getpid(), created=1.0)}, seconds=1) == ()
    assert processes.end({}, seconds=1) == ()


def test_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(ProvisioningError, match=r"pip install 'eventops\[local\]'"):
        processes.require_supervision()


def test_our_own_process_is_recognised() -> None:
    us = psutil.Process()
    assert processes.is_alive(ProcessId(us.pid, us.create_time()))
