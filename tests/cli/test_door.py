"""What every command has in common: help, options in both places, errors in one sentence, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eventops.errors import ExitCode
from tests.cli.running import ROOT, Shell

HEAVY = ("rich", "textual", "confluent_kafka", "yaml", "psutil", "tomlkit", "asyncio")


def test_help_lists_the_commands_and_imports_nothing_heavy() -> None:
    code = (
        "import sys, eventops.__main__ as door\n"
        "sys.argv = ['eventops', '--help']\n"
        "try: door.main()\n"
        "except SystemExit as end: assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stderr.strip() == "[]"
    for command in ("demo", "lag", "trace", "dlq", "local", "doctor"):
        assert f"\n  {command} " in run.stdout


def test_no_cluster_is_a_usage_error_that_names_the_remedy(shell: Shell) -> None:
    run = shell("topics")
    assert (run.returncode, run.stdout) == (2, "")
    assert "eventops local up" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_misspelt_command_is_met_halfway(shell: Shell) -> None:
    run = shell("lags")
    assert run.returncode == 2
    assert "did you mean 'lag'?" in run.stderr


@pytest.mark.parametrize(
    "words", [("-b", "127.0.0.1:1", "context", "check"), ("context", "check", "-b", "127.0.0.1:1")]
)
def test_the_cluster_may_be_named_before_or_after_the_command(shell: Shell, words: tuple[str, ...]) -> None:
    run = shell(*words)
    assert run.returncode == 3
    assert "127.0.0.1:1" in run.stderr
    assert run.stderr.count("\n") == 1, "one clear sentence"


@pytest.mark.parametrize("option", ["-b", "--context"])
def test_an_empty_name_is_never_the_current_context(shell: Shell, option: str) -> None:
    assert shell("context", "add", "prod", "-b", "127.0.0.1:1").returncode == 0
    run = shell(option, "", "topics")
    assert run.returncode == 2
    assert "it is empty: which cluster is meant?" in run.stderr


def test_a_full_disk_behind_stdout_is_told(shell: Shell) -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "eventops", "context", "list", "-o", "json"],
            env=shell.environ, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert run.returncode == 2
    assert (
        run.stderr
        == "eventops: the output can't be written (No space left on device): make room, or send it elsewhere\n"
    )


def test_contexts_are_added_listed_used_and_removed(shell: Shell) -> None:
    literal = shell("context", "add", "prod", "-b", "kafka:9093", "-X", "sasl.password=hunter2")
    assert literal.returncode == 2
    assert "sasl.password=env:SASL_PASSWORD" in literal.stderr
    reference = ("-X", "sasl.password=env:KAFKA_PW")
    assert shell("context", "add", "prod", "-b", "kafka:9093", *reference, "--read-only").returncode == 0
    assert shell("context", "add", "test", "-b", "kafka:9092").returncode == 0
    listed = shell("context", "list", "-o", "csv").stdout.splitlines()
    assert listed[1:] == ["prod,True,kafka:9093,True,", "test,False,kafka:9092,False,"]
    assert "env:KAFKA_PW" in shell("context", "show", "prod").stdout
    assert shell("context", "use", "test").returncode == 0
    assert shell("context", "use", "gone").returncode == 2
    assert shell("context", "remove", "prod").returncode == 0
    assert shell("context", "list", "-o", "ndjson").stdout.count("\n") == 1


def test_completion_comes_for_every_shell(shell: Shell) -> None:
    for name in ("bash", "zsh", "fish"):
        run = shell("completion", name)
        assert run.returncode == 0
        assert "_EVENTOPS_COMPLETE" in run.stdout


def test_a_listener_that_went_away_changes_no_exit_code() -> None:
    """As in ``eventops … 2>&1 | head``: exit code 1 would be a finding."""
    listens, speaks = os.pipe()
    os.close(listens)
    try:
        command = [sys.executable, "-m", "eventops", "-b", "127.0.0.1:1", "lag"]
        ended = subprocess.run(command, stdout=speaks, stderr=speaks, check=False, timeout=60)
    finally:
        os.close(speaks)
    assert ended.returncode == ExitCode.UNREACHABLE


def test_ctrl_c_while_it_is_being_imported_is_no_traceback() -> None:
    code = (
        "import os, signal, sys, eventops.__main__ as door\n"
        "class Impatient:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'click': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "door.main()"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (-signal.SIGINT, "", "")
