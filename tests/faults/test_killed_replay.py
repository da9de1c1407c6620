"""A replay that is killed, again and again, and then completed: every letter once, none lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventops.events import REPLAY_LINK
from tests.dlq.workshop import Workshop, replayed, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

LETTERS = 160
KILLS = 5


@pytest.fixture
def workshop(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[Workshop]:
    found = Workshop(bootstrap_servers, unique)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def replay(bootstrap_servers: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``eventops dlq replay TOPIC --execute``; whatever still runs at the end is killed."""
    environ = {**os.environ, "EVENTOPS_HOME": str(tmp_path), "EVENTOPS_BOOTSTRAP_SERVERS": bootstrap_servers}
    started: list[subprocess.Popen[str]] = []

    def start(topic: str, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "eventops", "dlq", "replay", topic, "--all", "--execute", *options]
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_killed_at_random_points_and_completed_every_letter_is_put_back_once(
    workshop: Workshop, replay: Callable[..., subprocess.Popen[str]]
) -> None:
    orders, letters = workshop.orders_with_letters(LETTERS)
    moments = random.Random(os.getpid())
    for _ in range(KILLS):
        before = workshop.end(orders)
        process = replay(letters, "--chunk", "4", "--rate", "80")
        wait_until(lambda before=before: workshop.end(orders) > before)  # type: ignore[misc]
        time.sleep(moments.uniform(0, 0.25))  # anywhere in a transaction or between two
        assert process.poll() is None, "killed in the midst"
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)

    last = replay(letters)
    _out, speech = last.communicate(timeout=60)
    assert last.returncode == 0, speech

    times = Counter(one.header(REPLAY_LINK) for one in replayed(workshop.committed(orders)))
    assert times == {f"{letters}/0/{offset}".encode(): 1 for offset in range(LETTERS)}


def test_ctrl_c_finishes_the_transaction_in_hand_and_names_the_command_that_goes_on(
    workshop: Workshop, replay: Callable[..., subprocess.Popen[str]]
) -> None:
    orders, letters = workshop.orders_with_letters(60)
    before = workshop.end(orders)
    process = replay(letters, "--chunk", "4", "--rate", "20")
    wait_until(lambda: workshop.end(orders) > before)
    process.send_signal(signal.SIGINT)
    _out, speech = process.communicate(timeout=20)

    assert process.returncode == 130, speech
    assert f"eventops dlq replay {letters} --all --chunk 4 --rate 20 --execute" in speech
    done = len(replayed(workshop.committed(orders)))
    assert 0 < done < 60
    assert done % 4 == 0, "whole transactions"
