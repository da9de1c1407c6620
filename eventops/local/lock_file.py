"""One starter at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eventops.errors import ProvisioningError
from eventops.local.disk import writing


@contextmanager
def held(directory: Path, doing: str, seconds: float) -> Iterator[None]:
    """Hold the directory's lock; another process that holds it is waited for that long.

    The system frees the lock of a process that died. Who holds it stands in a file beside it, for the message only.

    Raises:
        ProvisioningError: somebody else still holds it, or the disk refuses.
    """
    from filelock import FileLock, Timeout

    holder = directory / ".holder"
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / ".lock")
        try:
            lock.acquire(timeout=seconds, poll_interval=0.1)
        except Timeout as error:
            raise ProvisioningError(
                f"another eventops is at work in {directory} ({_told_by(holder)})", "wait for it, or end it"
            ) from error
    try:
        with suppress(OSError):
            holder.write_text(f"process {os.getpid()}, {doing}", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _told_by(holder: Path) -> str:
    try:
        return holder.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return "it doesn't say which process"
