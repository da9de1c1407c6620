"""The second client is imported when it is first asked, and the first questions may come from several threads."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

pytestmark = pytest.mark.broker

QUESTIONS: Final = """
import sys, threading
from eventops.adapters.kafka.broker import KafkaBroker
sys.setswitchinterval(0.00001)
broker, failed = KafkaBroker({"bootstrap.servers": sys.argv[1]}), []
begin = threading.Barrier(5)
def ask(question):
    begin.wait()
    try:
        question()
    except Exception as error:
        failed.append(repr(error))
questions = [broker.cluster, broker.topics, broker.groups, lambda: broker.committed_offsets(["nobody"]), broker.cluster]
threads = [threading.Thread(target=ask, args=(one,)) for one in questions]
for one in threads: one.start()
for one in threads: one.join()
broker.close()
sys.exit("; ".join(failed) or 0)
"""


@pytest.mark.parametrize("_again", range(3))
def test_first_questions_of_several_threads_do_not_deadlock_while_they_import(
    bootstrap_servers: str, _again: int
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", QUESTIONS, bootstrap_servers], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
