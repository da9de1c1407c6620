"""Brokers of a three-node cluster are killed and come back in the midst of a replay: each letter once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from eventops.local.service import LocalKafka
from tests.faults.evidence import IS_LONG, Case
from tests.faults.replaying import Replays, replays
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

KILLS: Final = 12 if IS_LONG else 2
LETTERS: Final = 1_500


@pytest.fixture
def replay(three: LocalKafka, tmp_path: Path) -> Iterator[Replays]:
    with replays(tmp_path / "operator", three.status().bootstrap_servers or "") as found:
        (tmp_path / "operator").mkdir()
        yield found


@pytest.mark.timeout(120 + 60 * KILLS)
def test_brokers_are_killed_in_the_midst_of_a_replay(
    three: LocalKafka, unique: Callable[[str], str], replay: Replays, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    kills = letters = attempts = 0
    while kills < KILLS:
        servers = three.status().bootstrap_servers or ""
        case = Case(servers, lambda stem, n=kills: unique(f"{stem}-{n}"), LETTERS, copies=3)  # type: ignore[misc]
        kills += _killed(three, case, replay, moments, KILLS - kills)
        replay.complete(case.letters, "--take-over")
        try:
            found = case.verdict()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        letters, attempts = letters + found.letters, attempts + found.attempts
        case.close()
    with capsys.disabled():
        print(
            f"\n{kills} brokers of three killed in the midst of replays of {letters:,} letters: each once for readers "
            f"of committed records; {attempts - letters:,} aborted attempts lie in the log (seed {seed})"
        )


def _killed(three: LocalKafka, case: Case, replay: Replays, moments: random.Random, most: int) -> int:
    """Kill one broker after another while a replay runs, which is started again where it gave up; how many."""
    kills = 0
    process = replay.start(case.letters, "--chunk", "10", "--rate", "60")
    while kills < most:
        before = case.ends()
        wait_until(lambda: process.poll() is not None or case.ends() > before, "it goes on", 60)  # noqa: B023
        if process.poll() is not None:
            _page, speech = process.communicate()
            assert "Traceback" not in speech, speech
            if process.returncode == 0:
                return kills
            process = replay.start(case.letters, "--chunk", "10", "--rate", "60", "--take-over")
            continue
        victim = moments.choice(three.status().nodes)
        assert victim.pid is not None
        killed = psutil.Process(victim.pid)
        killed.kill()
        killed.wait(30)  # until then its ports aren't free
        kills += 1
        before = case.ends()
        wait_until(lambda: process.poll() is not None or case.ends() > before, "it goes on without", 60)  # noqa: B023
        three.up()
    return kills
