"""The command line as a shell runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Shell:
    """Runs ``eventops`` with a configuration and a data home of its own."""

    def __init__(self, home: Path, bootstrap: str | None = None) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EVENTOPS_")}
        self.environ = {**kept, "EVENTOPS_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
        self.bootstrap = bootstrap
        self._home = home

    def __call__(
        self, *words: str, environ: Mapping[str, str] | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        servers = ["-b", self.bootstrap] if self.bootstrap else []
        return subprocess.run(
            [sys.executable, "-m", "eventops", *servers, *words],
            env={**self.environ, **(environ or {})},
            cwd=self._home,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell on a machine where nothing is configured."""
    return Shell(tmp_path)
