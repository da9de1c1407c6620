"""A replay that is killed, again and again, at any moment: every letter once, none lost, each key in order.

A short version in every run of the tests; ``make faults`` kills 200.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.dlq.workshop import Workshop, replayed, wait_until
from tests.faults.evidence import IS_LONG, Case
from tests.faults.replaying import Replays, replays

pytestmark = [pytest.mark.broker, pytest.mark.faults]

KILLS: Final = 200 if IS_LONG else 12
LETTERS: Final = 400
TEMPI: Final = (
    ("--chunk", "1"),  # one transaction after another
    ("--chunk", "2"),
    ("--chunk", "5", "--rate", "200"),
    ("--chunk", "40", "--rate", "100"),
    ("--rate", "150"),
)


@pytest.fixture
def replay(bootstrap_servers: str, tmp_path: Path) -> Iterator[Replays]:
    with replays(tmp_path, bootstrap_servers) as found:
        yield found


@pytest.mark.timeout(60 + 10 * KILLS)
def test_killed_at_random_moments_and_completed_every_letter_is_put_back_once(
    bootstrap_servers: str, unique: Callable[[str], str], replay: Replays, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    kills = letters = attempts = rounds = 0
    while kills < KILLS or (attempts == letters and kills < 3 * KILLS):  # a few kills may all hit the pauses
        case = Case(bootstrap_servers, lambda stem, n=rounds: unique(f"{stem}-{n}"), LETTERS)  # type: ignore[misc]
        kills += _killed(case, replay, moments, max(KILLS - kills, 4))
        replay.complete(case.letters)
        try:
            found = case.verdict()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, round {rounds}: {error}") from error
        letters, attempts, rounds = letters + found.letters, attempts + found.attempts, rounds + 1
        case.close()
    with capsys.disabled():
        print(
            f"\n{kills} replays killed, {letters:,} letters of {rounds} topics: each once for readers of committed "
            f"records; {attempts - letters:,} aborted attempts lie in the log (seed {seed})"
        )
    assert attempts > letters, "some died within a transaction"


def _killed(case: Case, replay: Replays, moments: random.Random, most: int) -> int:
    """Start and kill until all is put back, or so many died; how many."""
    kills = 0
    while kills < most:
        process = replay.start(case.letters, *moments.choice(TEMPI))
        if moments.random() < 0.7:
            _wait_for_a_record(case, process)
            time.sleep(moments.uniform(0, 0.2))  # within a transaction, or between two
        else:
            time.sleep(moments.uniform(0.2, 1.5))  # while it starts, plans, takes over, reads the ledger, …
        if process.poll() is not None:
            return kills
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
        kills += 1
    return kills


def _wait_for_a_record(case: Case, process: subprocess.Popen[str]) -> None:
    before = case.ends()
    wait_until(lambda: process.poll() is not None or case.ends() > before)


def test_ctrl_c_finishes_the_transaction_in_hand_and_names_the_command_that_goes_on(
    bootstrap_servers: str, unique: Callable[[str], str], replay: Replays
) -> None:
    workshop = Workshop(bootstrap_servers, unique)
    orders, letters = workshop.orders_with_letters(60)
    before = workshop.end(orders)
    process = replay.start(letters, "--chunk", "4", "--rate", "20")
    wait_until(lambda: workshop.end(orders) > before)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    _out, speech = process.communicate(timeout=20)

    assert process.returncode == 130, speech
    assert time.monotonic() - asked < 2, "an interruption is answered at once"
    assert f"dlq replay {letters} --all --chunk 4 --rate 20 --execute" in speech
    done = len(replayed(workshop.committed(orders)))
    assert 0 < done < 60
    assert done % 4 == 0, "whole transactions"
    workshop.close()
