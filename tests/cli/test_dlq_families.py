"""Families and rules of a context, by command: added, listed, tried on real letters, taken away; comments stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.operator import Operator
from tests.cli.running import Shell
from tests.contracts import keeps_its_contract
from tests.dlq.workshop import Workshop

pytestmark = pytest.mark.broker

FILE = """\
# ours
[contexts.prod]
"bootstrap.servers" = "SERVERS"

[contexts.prod."eventops.dlq"]
topics = ["failed-*"]  # of the old days

[[contexts.prod."eventops.dlq".families]]
name = "old"  # nobody knows why
message = "x-old"
"""


class Context:
    """A user's file of contexts, and the commands with it."""

    def __init__(self, home: Path, servers: str) -> None:
        self.file = home / "contexts.toml"
        self.file.write_text(FILE.replace("SERVERS", servers))
        self._shell = Shell(home)
        self._shell.environ["EVENTOPS_CONFIG"] = str(self.file)

    def __call__(self, *words: str, code: int = 0) -> str:
        run = self._shell("--context", "prod", "dlq", *words)
        assert run.returncode == code, run.stderr
        return run.stdout + run.stderr

    def document(self, *words: str, schema: str, code: int = 0) -> Any:
        run = self._shell("--context", "prod", "dlq", *words, "-o", "json")
        assert run.returncode == code, run.stderr
        found = json.loads(run.stdout)
        keeps_its_contract(found, schema)
        return found


@pytest.fixture
def context(tmp_path: Path, bootstrap_servers: str) -> Context:
    return Context(tmp_path, bootstrap_servers)


def test_a_family_is_declared_tried_and_taken_away(context: Context, workshop: Workshop) -> None:
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    workshop.put(orders, [(b"k", b"{}", ())])
    told = {"x-topic": orders, "x-partition": "0", "x-offset": "0", "x-error": "no stock", "x-tries": "3"}
    headers = tuple((name, word.encode()) for name, word in told.items())
    workshop.put(letters, [(b"k", b"{}", (*headers, ("tenant", b"acme")))])

    (unknown,) = context.document("families", "check", letters, schema="dlq-check", code=1)["families"]
    assert (unknown["family"], unknown["letters"], unknown["with_origin"]) == ("unknown", 1, 0)
    assert {one["name"] for one in unknown["other_headers"]} == {*told, "tenant"}, "what could be declared"

    roles = {"topic": "x-topic", "partition": "x-partition", "offset": "x-offset", "message": "x-error"}
    options = [word for role, name in roles.items() for word in ("--header", f"{role}={name}")]
    assert "acme is a family" in context("families", "add", "acme", *options, "--header", "attempts=x-tries")

    (known,) = context.document("families", "check", letters, schema="dlq-check")["families"]
    assert (known["family"], known["with_origin"], known["with_cause"]) == ("acme", 1, 1)
    assert known["other_headers"] == [{"name": "tenant", "letters": 1}]
    first, second, *built_in = context.document("families", schema="dlq-families")["families"]
    assert ([first["family"], second["family"]], len(built_in)) == (["old", "acme"], 12)
    assert "acme" in context("families")
    plan = json.loads(context("replay", letters, "--all", "-o", "json"))
    assert plan["plan"]["planned"] == 1
    file = context.file.read_text()
    for comment in ("# ours", "# of the old days"):
        assert comment in file

    context("families", "remove", "acme")
    assert context.document("families", schema="dlq-families")["families"][0]["family"] == "old"
    assert "declares no family acme; it declares old" in context("families", "remove", "acme", code=2)


def test_rules_are_added_listed_and_taken_away(context: Context) -> None:
    context("rules", "add", "--topic", "lost-*", "--own-code", "com.acme.", "--fails-into", "lost-*=billing")
    context("rules", "add", "--message", r"tenant \w+=tenant <tenant>", "--topic", "lost-*")

    rules = context.document("rules", schema="dlq-rules")["rules"]
    assert [(one["rule"], one["of"], one["is"]) for one in rules] == [
        ("topics", "failed-*", ""),
        ("topics", "lost-*", ""),
        ("own-code", "com.acme.", ""),
        ("groups", "lost-*", "billing"),
        ("messages", r"tenant \w+", "tenant <tenant>"),
    ]
    assert "tenant <tenant>" in context("rules")
    context("rules", "remove", "--topic", "failed-*", "--fails-into", "lost-*=billing")
    left = context.document("rules", schema="dlq-rules")["rules"]
    assert [one["rule"] for one in left] == ["topics", "own-code", "messages"]
    assert "# nobody knows why" in context.file.read_text(), "what wasn't touched keeps its comments"


def test_what_makes_no_sense_is_refused_and_changes_nothing(context: Context) -> None:
    before = context.file.read_text()
    assert "isn't a regular expression" in context("rules", "add", "--message", "(=x", code=2)
    assert "isn't what a header can say" in context("families", "add", "acme", "--header", "colour=x", code=2)
    assert "it needs a header" in context("families", "add", "acme", code=2)
    assert "isn't NAME=VALUE" in context("families", "add", "acme", "--header", "message", code=2)
    assert "which rule?" in context("rules", "add", code=2)
    assert "isn't among the context's hidden" in context("rules", "remove", "--hidden", "x", code=2)
    assert context.file.read_text() == before


def test_a_cluster_without_a_context_has_no_place_for_it(operator: Operator) -> None:
    run = operator("families", "add", "acme", "--header", "message=x-error")
    assert run.returncode == 2
    assert "eventops context add" in run.stderr
    assert operator("families", "list").returncode == 0
