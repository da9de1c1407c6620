"""Ctrl-C is answered within two seconds whatever the dead-letter commands are at: reading, planning, writing as fast as
they can. A short version in every run of the tests; ``make faults`` has 100,000 letters."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.faults.evidence import IS_LONG, Case
from tests.faults.replaying import Replays, replays
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

LETTERS: Final = 100_000 if IS_LONG else 8_000
TIMES: Final = 5 if IS_LONG else 1
TEMPO: Final = () if IS_LONG else ("--chunk", "500")
"""Few letters take long enough to be interrupted where their transactions are small."""
FIRST_SECONDS: Final = 4.0 if IS_LONG else 1.2
BAR: Final = 2.0
READING: Final = (("list",), ("groups", "TOPIC"), ("show", "TOPIC"), ("export", "TOPIC"), ("replay", "TOPIC", "--all"))


@pytest.fixture
def replay(bootstrap_servers: str, tmp_path: Path) -> Iterator[Replays]:
    with replays(tmp_path, bootstrap_servers) as found:
        yield found


@pytest.mark.timeout(600)
def test_ctrl_c_is_answered_within_two_seconds(
    bootstrap_servers: str, unique: Callable[[str], str], replay: Replays, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    case = Case(bootstrap_servers, unique, LETTERS)
    told = {" ".join(words[:1]): _while_reading(replay, case, words, moments) for words in READING}
    told["replay --execute"] = _while_writing(replay, case, moments)
    for what, waits in told.items():
        assert waits, f"{what} was never interrupted (seed {seed})"
        assert max(waits) < BAR, f"{what} answered after {max(waits):.2f} s (seed {seed})"
    replay.complete(case.letters)
    found = case.verdict()
    case.close()
    with capsys.disabled():
        slowest = ", ".join(f"{what} {max(waits):.2f} s" for what, waits in told.items())
        print(f"\nCtrl-C over {LETTERS:,} letters, {found.letters:,} of them put back once: slowest answer {slowest}")


def _while_reading(replay: Replays, case: Case, words: tuple[str, ...], moments: random.Random) -> list[float]:
    """At any moment of the first seconds; what had ended by then isn't counted."""
    most, waits = FIRST_SECONDS, []
    for _ in range(4 * TIMES):
        process = replay.run(*(case.letters if word == "TOPIC" else word for word in words))
        try:
            process.wait(moments.uniform(0.3, most))
            most = max(most / 2, 0.4)
        except subprocess.TimeoutExpired:
            waits.append(_answer(process))
        if len(waits) == TIMES:
            break
    return waits


def _while_writing(replay: Replays, case: Case, moments: random.Random) -> list[float]:
    """Once records are seen to be appended, as fast as they go."""
    waits = []
    for _ in range(TIMES):
        before = case.ends()
        process = replay.start(case.letters, *TEMPO)
        wait_until(lambda p=process, b=before: p.poll() is not None or case.ends() > b, "it writes", 120)  # type: ignore[misc]
        if process.poll() is not None:
            break
        try:
            process.wait(moments.uniform(0, 0.3))
        except subprocess.TimeoutExpired:
            waits.append(_answer(process))
    return waits


def _answer(process: subprocess.Popen[str]) -> float:
    """Seconds until an interrupted process is gone."""
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    _out, speech = process.communicate(timeout=60)
    seconds = time.monotonic() - asked
    assert process.returncode in (0, 1, 130, -signal.SIGINT), speech  # the last one is 130 to a shell: it still began
    return seconds
