"""Files that appear whole or not at all, and what a disk's refusals mean."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eventops.errors import ProvisioningError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """What is done inside writes under ``place``; a refusal becomes one sentence.

    Raises:
        ProvisioningError: the disk is full or read-only, or the path can't be a directory.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise refusal(error, place) from error


def refusal(error: OSError, place: Path) -> ProvisioningError:
    """The sentence for what the disk said."""
    if error.errno in _NO_SPACE:
        return ProvisioningError(
            f"the disk under {place} is full", "free some space, or name another with EVENTOPS_HOME"
        )
    if error.errno in _NOT_ALLOWED:
        return ProvisioningError(f"{place} can't be written ({error.strerror})", "name a directory with EVENTOPS_HOME")
    return ProvisioningError(f"{place} can't be used ({error.strerror})", "name a directory with EVENTOPS_HOME")


def write_whole(path: Path, text: str) -> None:
    """Write aside, then rename."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def directory_aside(final: Path) -> Iterator[Path]:
    """A directory to fill, on the same disk; becomes ``final`` when the block ends well, and is removed when not.

    Leftovers of a process that was killed while filling one are removed first: the caller holds a lock.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{final.name}.aside-"
    for leftover in final.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    aside = Path(tempfile.mkdtemp(prefix=prefix, dir=final.parent))
    try:
        yield aside
        aside.chmod(0o755)
        if final.exists():
            shutil.rmtree(final)
        aside.replace(final)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
