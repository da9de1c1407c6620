"""Processes that outlive us: started, recognised later, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from eventops.errors import ProvisioningError
from eventops.local.java import java_environ
from eventops.local.model import ProcessId

if TYPE_CHECKING:
    import psutil

_CLOCK_STEP: Final = 2.0
"""Two readings of one creation time, in seconds, differ by less, even when the clock was set right in between."""


def start_detached(command: Sequence[str], log: Path) -> ProcessId:
    """Start a program in a session of its own, its output appended to the log; it stays when we end."""
    to_log = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    from_nowhere = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    pid = os.posix_spawn(
        command[0],
        list(command),
        java_environ(),
        file_actions=[from_nowhere, to_log, (os.POSIX_SPAWN_DUP2, 1, 2)],
        setsid=True,
    )
    process = _process(pid)
    return ProcessId(pid, process.create_time() if process else time.time())


def is_alive(known: ProcessId) -> bool:
    """Whether that very process still runs: a number that was given to another program since doesn't count."""
    return _same(known) is not None


def find(argument: str) -> ProcessId | None:
    """The Java process that was started with this argument; None where there is none."""
    import psutil

    for process in psutil.process_iter(["cmdline", "create_time", "status"]):
        command: list[str] = process.info["cmdline"] or []
        is_java = bool(command) and "java" in Path(command[0]).name
        if is_java and argument in command and process.info["status"] != psutil.STATUS_ZOMBIE:
            return ProcessId(process.pid, process.info["create_time"])
    return None


def end(known: Mapping[int, ProcessId], seconds: float) -> tuple[int, ...]:
    """End them side by side: SIGTERM, and SIGKILL for those still there after that time, whose keys are returned."""
    import psutil

    there = {key: process for key, identity in known.items() if (process := _same(identity))}
    _signal(there.values(), signal.SIGTERM)
    psutil.wait_procs(there.values(), timeout=seconds)
    left = {key: process for key, process in there.items() if _same(known[key])}
    _signal(left.values(), signal.SIGKILL)
    psutil.wait_procs(left.values(), timeout=seconds)
    return tuple(left)


def _signal(processes: Iterable[psutil.Process], number: int) -> None:
    import psutil

    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def require_supervision() -> None:
    """
    Raises:
        ProvisioningError: the system has no POSIX processes, or the extra isn't installed.
    """
    if os.name != "posix":
        raise ProvisioningError("the local Kafka runs on Linux and macOS", "use WSL, or Docker with compose.yaml")
    try:
        import psutil  # noqa: F401
    except ImportError as error:
        raise ProvisioningError("the local Kafka is supervised with psutil", "pip install 'eventops[local]'") from error


def _same(known: ProcessId) -> psutil.Process | None:
    process = _process(known.pid)
    if process is None or abs(process.create_time() - known.created) > _CLOCK_STEP:
        return None
    return process


def _process(pid: int) -> psutil.Process | None:
    """A process that runs; a zombie, which waits for its parent to take note, doesn't."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None
