"""A test run takes nothing from the shell that it is started in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_cluster_and_no_file_of_the_shell_is_known_here() -> None:
    known = {name for name in os.environ if name.startswith("EVENTOPS_") and not name.startswith("EVENTOPS_TEST_")}
    assert known <= {"EVENTOPS_HOME"}


def test_what_a_shell_exports_reaches_no_test(tmp_path: Path) -> None:
    exported = {"EVENTOPS_CONFIG": str(tmp_path / "mine.toml"), "EVENTOPS_BOOTSTRAP_SERVERS": "prod:9092"}
    inner = f"{__file__}::{test_no_cluster_and_no_file_of_the_shell_is_known_here.__name__}"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", inner],
        env={**os.environ, **exported},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
