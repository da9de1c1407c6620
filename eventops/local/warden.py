"""Runs a command that must not outlive its parent: ``python -m eventops.local.warden [--grace SECONDS] -- COMMAND...``

The command gets a process group of its own. The warden ends that group (SIGTERM, then SIGKILL after the grace) when its
own standard input reaches its end, which the system sees to however the parent dies, or on SIGTERM or SIGINT. It ends
with the command's exit code (128 + the signal that killed it, as a shell says it). Should the warden itself be killed,
Linux kills the command with it.

Standard library only and no imports of ours: it is run as a file by ``python -I -S``, wherever the parent stands.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

DEFAULT_GRACE: Final = 10.0
CANNOT_START: Final = 127
_PR_SET_PDEATHSIG: Final = 1


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    wakeup = _wake_up_on_signals()
    try:
        child = subprocess.Popen(
            options.command,
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=_dies_with_its_parent(os.getpid()),
        )
    except OSError as error:
        print(f"{options.command[0]} can't be started: {error.strerror}", file=sys.stderr)
        return CANNOT_START
    _wait_for_the_end(child, wakeup)
    _end(child, options.grace)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="warden", description="Runs a command that ends when its parent does.")
    parser.add_argument("--grace", type=float, default=DEFAULT_GRACE, help="seconds between SIGTERM and SIGKILL")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


def _wake_up_on_signals() -> int:
    """A descriptor that becomes readable when a child ends or we are asked to."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return reading


def _dies_with_its_parent(parent: int) -> Callable[[], None]:
    """What runs between fork and exec; safe, for there are no threads here that could hold a lock.

    Elsewhere than on Linux only the pipe guards the command: it outlives a warden that is killed.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(CANNOT_START)

    return prepare


def _wait_for_the_end(child: subprocess.Popen[bytes], wakeup: int) -> None:
    """Until the command ends, the parent is gone, or a signal asks for the end."""
    while child.poll() is None:
        ready, _, _ = select.select([sys.stdin, wakeup], [], [])
        if sys.stdin in ready and not os.read(sys.stdin.fileno(), 4096):
            return
        if wakeup in ready and set(os.read(wakeup, 4096)) & {signal.SIGTERM, signal.SIGINT}:
            return


def _end(child: subprocess.Popen[bytes], grace: float) -> None:
    """No process of the group is left; whoever doesn't end within the grace is killed."""
    _signal_group(child, signal.SIGTERM)
    deadline = time.monotonic() + grace
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=grace)
    while _signal_group(child, 0) and time.monotonic() < deadline:
        time.sleep(0.02)
    _signal_group(child, signal.SIGKILL)
    child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: int) -> bool:
    """False where nobody of the group is left. The leader's number stays the group's as long as it has members."""
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS refuses a group of zombies
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
