"""Two operators put the same letters back, each taking over from the other again and again: each letter once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.faults.evidence import IS_LONG, Case
from tests.faults.replaying import GOES_ON, Replays, replays

pytestmark = [pytest.mark.broker, pytest.mark.faults]

TAKEOVERS: Final = 40 if IS_LONG else 4
LETTERS: Final = 300


@pytest.mark.timeout(120 + 10 * TAKEOVERS)
def test_two_operators_take_over_from_each_other(
    bootstrap_servers: str, unique: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    takeovers = letters = attempts = rounds = 0
    while takeovers < TAKEOVERS:
        case = Case(bootstrap_servers, lambda stem, n=rounds: unique(f"{stem}-{n}"), LETTERS)  # type: ignore[misc]
        with replays(tmp_path, bootstrap_servers) as found:
            takeovers += _duel(case, found)
            found.complete(case.letters, "--take-over")
        told = case.verdict()
        letters, attempts, rounds = letters + told.letters, attempts + told.attempts, rounds + 1
        case.close()
    with capsys.disabled():
        print(
            f"\n{takeovers} takeovers between two operators in {rounds} replays of {letters:,} letters: each once; "
            f"{attempts - letters:,} aborted attempts lie in the log"
        )


def _duel(case: Case, found: Replays) -> int:
    """Both at once until nothing is left; how often one was fenced by the other."""
    fenced: list[str] = []

    def operate(seed: int) -> None:
        tempi = random.Random(seed)
        while True:
            process = found.start(case.letters, "--take-over", "--chunk", str(tempi.choice((1, 3, 10))), "--rate", "60")
            _page, speech = process.communicate(timeout=100)
            assert "Traceback" not in speech, speech
            if "took over" not in speech:
                assert process.returncode in (0, *GOES_ON), speech
                return
            fenced.append(speech)

    operators = [threading.Thread(target=operate, args=(random.randrange(2**32),)) for _ in range(2)]
    for operator in operators:
        operator.start()
    for operator in operators:
        operator.join()
    return len(fenced)
