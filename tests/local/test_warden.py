"""A warded process ends when its parent does, however that ends. Real processes, no Kafka."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from eventops.errors import ProvisioningError
from eventops.local.warded import Warded, end_all, wait_until_ended
from tests.local.conftest import Eventually

SLEEP = [sys.executable, "-S", "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]
PARENT_OF_A_CHILD = ["/bin/sh", "-c", "sleep 600 & echo $!; wait"]


def says(log: Path) -> Callable[[], bool]:
    return lambda: log.exists() and log.read_text() != ""


@pytest.mark.parametrize("code", [0, 7])
def test_the_exit_code_is_the_commands(tmp_path: Path, code: int) -> None:
    with Warded(
        [sys.executable, "-S", "-c", f"print('done'); raise SystemExit({code})"], log=tmp_path / "log"
    ) as process:
        assert process.wait(20) == code
        assert process.exit_code == code
        assert not process.alive
    assert (tmp_path / "log").read_text() == "done\n"


def test_a_signal_is_told_as_a_shell_tells_it(tmp_path: Path, eventually: Eventually) -> None:
    with Warded(SLEEP, log=tmp_path / "log") as process:
        eventually(says(process.log))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(20) == 128 + signal.SIGKILL


def test_terminate_asks_first(tmp_path: Path, eventually: Eventually) -> None:
    with Warded(SLEEP, log=tmp_path / "log") as process:
        eventually(says(process.log))
        assert process.alive
        assert process.wait(0) is None
        assert process.terminate() == 128 + signal.SIGTERM
    assert process.pid is None


def test_who_does_not_listen_is_killed_after_the_grace(tmp_path: Path, eventually: Eventually) -> None:
    with Warded(STUBBORN, log=tmp_path / "log", grace=0.2) as process:
        eventually(says(process.log))
        assert process.terminate() == 128 + signal.SIGKILL


def test_no_grandchild_is_left(tmp_path: Path, eventually: Eventually) -> None:
    with Warded(PARENT_OF_A_CHILD, log=tmp_path / "log") as process:
        eventually(says(process.log))
        grandchild = int(process.log.read_text())
    eventually(lambda: is_gone(grandchild))


def test_several_end_side_by_side(tmp_path: Path, eventually: Eventually) -> None:
    processes = [Warded(SLEEP, log=tmp_path / f"log-{number}").start() for number in range(3)]
    for process in processes:
        eventually(says(process.log))
    assert not wait_until_ended(processes, 0)
    end_all(processes)
    assert wait_until_ended(processes, 0)


def test_the_command_dies_with_a_killed_parent(tmp_path: Path, environ: dict[str, str], eventually: Eventually) -> None:
    script = (
        "import sys, time; from pathlib import Path; from eventops.local.warded import Warded\n"
        f"process = Warded({SLEEP!r}, log=Path({str(tmp_path / 'log')!r})).start()\n"
        "while process.pid is None or not process.log.read_text(): time.sleep(0.02)\n"
        "print(process.pid, flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environ) as parent:
        assert parent.stdout is not None
        warded = int(parent.stdout.readline())
        assert not is_gone(warded)
        parent.kill()
    eventually(lambda: is_gone(warded))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_the_command_dies_with_a_killed_warden(tmp_path: Path, eventually: Eventually) -> None:
    with Warded(STUBBORN, log=tmp_path / "log") as process:
        eventually(says(process.log))
        warded = process.pid
        assert warded is not None
        parent = psutil.Process(warded).parent()
        assert parent is not None
        parent.kill()
        eventually(lambda: is_gone(warded))


def test_sigterm_to_the_warden_ends_the_command(tmp_path: Path) -> None:
    warden = [sys.executable, "-m", "eventops.local.warden", "--grace", "5", "--", *SLEEP]
    with subprocess.Popen(warden, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.terminate()
        assert process.wait(20) == 128 + signal.SIGTERM


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    with Warded([str(tmp_path / "nothing")], log=tmp_path / "log") as process:
        assert process.wait(20) == 127
    assert "can't be started: No such file or directory" in process.log.read_text()


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProvisioningError, match="can't be used"):
        Warded(SLEEP, log=tmp_path / "file" / "log").start()


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
