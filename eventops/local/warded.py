"""A child process that ends when we do, however we end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from eventops.local import warden
from eventops.local.disk import writing

_AFTER_GRACE: Final = 5.0
"""What the warden gets on top of the command's grace, in seconds, before it is killed itself."""


class Warded:
    """A command under a :mod:`~eventops.local.warden`, its output in a log file::

    with Warded([sys.executable, "-m", "reference_services.users"], log=logs / "users.log") as users:
        ...
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environ: Mapping[str, str] | None = None,
        directory: Path | None = None,
        grace: float = warden.DEFAULT_GRACE,
    ) -> None:
        """``environ`` None: ours. ``grace``: seconds between SIGTERM and SIGKILL. Nothing is started yet."""
        self.command = tuple(command)
        self.log = log
        self._environ = environ
        self._directory = directory
        self._grace = grace
        self._warden: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the command; its output is appended to the log.

        Raises:
            ProvisioningError: the log can't be written.
        """
        guarded = [sys.executable, "-I", "-S", str(Path(warden.__file__)), "--grace", str(self._grace), "--"]
        with writing(self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as output:
                self._warden = subprocess.Popen(
                    [*guarded, *self.command],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=None if self._environ is None else dict(self._environ),
                    cwd=self._directory,
                    start_new_session=True,  # a Ctrl-C in the terminal is ours to handle, in our order
                )
        return self

    @property
    def alive(self) -> bool:
        return self._warden is not None and self._warden.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The command's (128 + signal where one killed it); None before it has ended."""
        return None if self._warden is None else self._warden.poll()

    @property
    def pid(self) -> int | None:
        """The command's own process id; None where it doesn't run."""
        import psutil

        if self._warden is None or self._warden.poll() is not None:
            return None
        try:
            children = psutil.Process(self._warden.pid).children()
        except psutil.NoSuchProcess:
            return None
        return children[0].pid if children else None

    def wait(self, seconds: float | None = None) -> int | None:
        """The exit code once the command has ended by itself; None where it still runs after that time."""
        if self._warden is None:
            return None
        try:
            return self._warden.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def ask_to_end(self) -> None:
        """Let it end by itself, and return at once; several can so end side by side before each is terminated."""
        if self._warden is not None and self._warden.stdin is not None:
            self._warden.stdin.close()

    def terminate(self) -> int | None:
        """End it: SIGTERM, SIGKILL after the grace. Returns the exit code; None where it was never started."""
        if self._warden is None:
            return None
        self.ask_to_end()
        try:
            return self._warden.wait(self._grace + _AFTER_GRACE)
        except subprocess.TimeoutExpired:
            self._warden.kill()
            return self._warden.wait()

    def __enter__(self) -> Self:
        return self if self._warden is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()


def end_all(processes: Sequence[Warded]) -> None:
    """End several side by side, so that the longest grace is waited for once."""
    for process in processes:
        process.ask_to_end()
    for process in processes:
        process.terminate()


def wait_until_ended(processes: Sequence[Warded], seconds: float) -> bool:
    """Whether all have ended by themselves within that time."""
    deadline = time.monotonic() + seconds
    return all(process.wait(max(0.0, deadline - time.monotonic())) is not None for process in processes)
