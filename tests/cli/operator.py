"""``eventops dlq`` as an operator types it, with its JSON held to its schema."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.running import Shell

SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "schemas"


@pytest.fixture
def operator(tmp_path: Path, bootstrap_servers: str) -> Operator:
    """Somebody at the command line."""
    return Operator(tmp_path, bootstrap_servers)


class Operator:
    """Runs the dead-letter commands with a configuration and a data home of its own."""

    def __init__(self, home: Path, bootstrap: str) -> None:
        self.home = home
        self.shell = Shell(home, bootstrap)
        self.shell.environ["TMPDIR"] = str(home)  # where edits are kept

    def __call__(self, *words: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """What it printed, and its exit code."""
        return self.shell("dlq", *words, environ=environ)

    def document(
        self, *words: str, code: int = 0, schema: str = "replay", environ: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """What it prints as JSON; it must end with that exit code and keep that schema."""
        run = self(*words, "-o", "json", environ=environ)
        assert run.returncode == code, run.stderr
        found: dict[str, Any] = json.loads(run.stdout)
        described = json.loads((SCHEMAS / f"{schema}.schema.json").read_text())
        jsonschema.validate(found, described, cls=jsonschema.Draft202012Validator)
        return found

    def planned(self, *words: str) -> list[int]:
        """Offsets of the letters that a replay would put back, in its order; nothing is written."""
        found = self.document("replay", *words)
        assert not found["executed"]
        return [int(one["source"].rpartition("/")[2]) for one in found["plan"]["records"]]

    def refused(self, *words: str, code: int = 1) -> list[str]:
        """Why letters aren't put back."""
        return [one["reason"] for one in self.document("replay", *words, code=code)["refusals"]]

    def warnings(self, *words: str, code: int = 0) -> str:
        """What a plan warns of."""
        return "\n".join(self.document("replay", *words, code=code)["plan"]["warnings"])

    def execute(self, *words: str, code: int = 0, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The report of a replay that was carried out."""
        found = self.document("replay", *words, "--execute", code=code, environ=environ)
        assert found["executed"]
        return found

    def history(self, topic: str) -> list[dict[str, Any]]:
        """The ledger's rows, the oldest first."""
        rows: list[dict[str, Any]] = self.document("history", topic, schema="dlq-history")["rows"]
        return rows[::-1]
