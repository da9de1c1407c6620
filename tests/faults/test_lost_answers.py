"""Requests that are lost, answers that don't come, connections that are cut: each letter once all the same."""

from __future__ import annotations

import random
import shutil
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from eventops.adapters.kafka import producer
from eventops.adapters.kafka.broker import KafkaBroker
from eventops.dlq.model import Selection
from eventops.dlq.pace import Pace
from eventops.dlq.replay_model import ReplayReport
from eventops.dlq.service import DeadLetterService
from eventops.errors import BrokerUnreachable
from tests.faults.evidence import IS_LONG, Case, Verdict
from tests.faults.proxy import Api, Deed, Fault, Proxied, proxied_kafka
from tests.faults.replaying import Replays, replays
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

ROUNDS: Final = 30 if IS_LONG else 3
REFUSALS: Final = (47, 90)
"""INVALID_PRODUCER_EPOCH, PRODUCER_FENCED."""


@pytest.fixture(scope="module")
def kafka() -> Iterator[Proxied]:
    directory = Path(tempfile.mkdtemp(prefix="eventops-test-proxied-"))
    try:
        with proxied_kafka(directory) as found:
            yield found
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def replay(kafka: Proxied, tmp_path: Path) -> Iterator[Replays]:
    with replays(tmp_path, kafka.servers) as found:
        yield found
    kafka.proxy.plan()


@pytest.mark.parametrize("deed", [Deed.CUT_BEFORE, Deed.CUT_AFTER])
@pytest.mark.parametrize("api", [Api.INIT_PRODUCER_ID, Api.ADD_PARTITIONS_TO_TXN, Api.PRODUCE, Api.END_TXN])
def test_a_connection_that_is_cut_around_a_request(
    kafka: Proxied, unique: Callable[[str], str], replay: Replays, api: Api, deed: Deed
) -> None:
    case = Case(kafka.direct, unique, 120)
    skips = (0,) if api is Api.INIT_PRODUCER_ID else (1, 5)
    kafka.proxy.plan(*(Fault(api, deed, skip) for skip in skips))

    replay.complete(case.letters, "--chunk", "10")

    assert len(kafka.proxy.done) == len(skips), "the faults came about"
    case.verdict()
    case.close()


@pytest.mark.parametrize("api", [Api.INIT_PRODUCER_ID, Api.PRODUCE, Api.END_TXN])
def test_an_answer_that_does_not_come(
    kafka: Proxied, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, api: Api
) -> None:
    case = Case(kafka.direct, unique, 60)
    fault = Fault(api, Deed.HOLD_ANSWER, skip=0 if api is Api.INIT_PRODUCER_ID else 2)

    reports = _in_process(kafka, case, monkeypatch, fault)

    assert kafka.proxy.done == [fault]
    fault.release.set()
    case.verdict()
    assert sum(len(report.replayed) + report.overtaken for report in reports) >= 60
    case.close()


def test_a_commit_that_arrives_in_the_next_transaction_ends_nothing(
    kafka: Proxied, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before KIP-890 a late EndTxn could end the transaction after the one it was meant for: a replay without its row,
    or the reverse. A taken-over id has another epoch, and the broker refuses it."""
    case = Case(kafka.direct, unique, 60)
    late = Fault(Api.END_TXN, Deed.HOLD_REQUEST, skip=2, until=Api.PRODUCE)

    _in_process(kafka, case, monkeypatch, late)

    assert late.answered.wait(20), "it reached the broker, in the midst of a later transaction"
    (code,) = struct.unpack(">h", late.answer[12:14])
    assert code in REFUSALS
    case.verdict()
    case.close()


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_connections_cut_at_random(
    kafka: Proxied, unique: Callable[[str], str], replay: Replays, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    cuts, found = 0, []
    for number in range(ROUNDS):
        case = Case(kafka.direct, lambda stem, n=number: unique(f"{stem}-{n}"), 300)  # type: ignore[misc]
        process = replay.start(case.letters, "--chunk", "5")
        deadline = time.monotonic() + 15
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(moments.uniform(0.05, 0.6))
            kafka.proxy.cut()
            cuts += 1
        process.communicate(timeout=90)
        replay.complete(case.letters)
        found.append(_judged(case, seed))
        case.close()
    with capsys.disabled():
        letters, attempts = sum(one.letters for one in found), sum(one.attempts for one in found)
        print(
            f"\nall connections cut {cuts} times in {ROUNDS} replays of {letters:,} letters: each once; "
            f"{attempts - letters:,} aborted attempts lie in the log (seed {seed})"
        )


def _judged(case: Case, seed: int) -> Verdict:
    try:
        return case.verdict()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error


def _in_process(kafka: Proxied, case: Case, monkeypatch: pytest.MonkeyPatch, fault: Fault) -> list[ReplayReport]:
    """Replays until all is done, by somebody who doesn't wait for half a minute."""
    monkeypatch.setattr(producer, "INIT_PATIENCE", 2.0)
    kafka.proxy.plan(fault)
    reports: list[ReplayReport] = []

    def is_done() -> bool:
        with closing(KafkaBroker({"bootstrap.servers": kafka.servers}, timeout=2)) as broker:
            service = DeadLetterService(broker, "ada@test")
            run = f"run-{len(reports)}"
            plan = service.plan(Selection(case.letters), datetime.now(UTC), run)
            try:
                *_, last = service.execute(plan, Pace(chunk=10, take_over=True))
            except BrokerUnreachable:  # from the beginning: nothing was done
                return False
            assert last.report is not None
            reports.append(last.report)
            return last.report.remaining == 0

    wait_until(is_done, "all of it is put back", 90)
    return reports
