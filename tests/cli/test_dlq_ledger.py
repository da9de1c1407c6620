"""What an operator is told when the ledger can't be read or written to. In this process, for its ledger is a topic of
the test alone."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.cli import diagnostics
from eventops.cli.door import cli
from eventops.cli.options import Choices
from eventops.ports import Outgoing
from tests.cli.operator import SCHEMAS
from tests.dlq.workshop import Workshop, replayed, wait_until

pytestmark = pytest.mark.broker

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    bootstrap_servers: str,
    own_ledger: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """``eventops dlq WORDS``: its exit code, its page and its speech."""
    monkeypatch.setenv("EVENTOPS_HOME", str(tmp_path))

    def dlq(*words: str) -> tuple[int, str, str]:
        given = ["-b", bootstrap_servers, "dlq", *words]
        try:
            code = diagnostics.run(lambda: cli.main(given, prog_name="eventops", standalone_mode=False, obj=Choices()))
        except SystemExit as ended:
            code = int(ended.code or 0)
        page, speech = capsys.readouterr()
        return code, page, speech

    return dlq


@contextmanager
def foreign_transaction(broker: KafkaBroker, workshop: Workshop, ledger: str) -> Iterator[None]:
    producer = broker.transactional_producer(workshop.unique("foreign"))
    producer.begin()
    producer.append([Outgoing(ledger, b"?", None, partition=number) for number in range(2)])
    try:
        yield
    finally:
        producer.abort()
        producer.close()


def described(page: str, schema: str) -> Any:
    found = json.loads(page)
    jsonschema.validate(found, json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))
    return found


def test_an_open_transaction_makes_answers_partial(
    workshop: Workshop, run: Run, broker: KafkaBroker, own_ledger: str
) -> None:
    _orders, letters = workshop.orders_with_letters(2)
    assert run("replay", letters, "--offset", "0/0", "--execute")[0] == 0
    with foreign_transaction(broker, workshop, own_ledger):
        for words in (("list",), ("groups", letters), ("history", letters), ("replay", letters, "--all")):
            code, page, speech = run(*words)
            assert code == 5, words
            assert f"{own_ledger}/0,1: an open transaction hides 1 offset of the ledger" in page + speech, words
        code, page, _speech = run("replay", letters, "--all", "-o", "json")
        assert (code, described(page, "replay")["coverage"]["complete"]) == (5, False)
    assert run("list")[0] == 0 or "an open transaction" not in "".join(run("list")[1:])


def test_who_executes_is_told_what_is_waited_for_and_that_nothing_is_in_hand(
    workshop: Workshop, run: Run, broker: KafkaBroker, own_ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, letters = workshop.orders_with_letters(2)
    assert run("replay", letters, "--offset", "0/0", "--execute")[0] == 0
    say = diagnostics.say

    def interrupt_the_wait(text: str) -> None:
        say(text)
        if "waiting for somebody's open transaction" in text:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(diagnostics, "say", interrupt_the_wait)
    with foreign_transaction(broker, workshop, own_ledger):
        code, _page, speech = run("replay", letters, "--all", "--execute")
    assert code == 130
    assert "waiting for somebody's open transaction on the ledger (partitions 0, 1), up to 75 s" in speech
    assert "no transaction is in hand: ending ..." in speech
    assert "finishing the transaction" not in speech
    assert f"dlq replay {letters} --all --execute" in speech
    assert len(replayed(workshop.committed(orders))) == 1


def test_a_run_that_the_ledger_stops_has_a_report_and_the_command_that_goes_on(
    workshop: Workshop, run: Run, own_ledger: str
) -> None:
    orders, letters = workshop.orders_with_letters(40)

    def refuse_rows() -> None:
        wait_until(lambda: bool(replayed(workshop.committed(orders))))
        workshop.take_only(own_ledger, 100)

    somebody = threading.Thread(target=refuse_rows)
    somebody.start()
    code, page, _speech = run("replay", letters, "--all", "--rate", "5", "--execute", "-o", "json")
    somebody.join(30)
    report = described(page, "replay")
    back = len(replayed(workshop.committed(orders)))
    assert (code, report["replayed"], report["failed"]) == (1, back, 40 - back)
    assert f"the ledger {own_ledger} refuses a row" in report["stopped"]
    assert "--execute" in report["resume_command"]

    workshop.take_only(own_ledger, 1_000_000)
    code, page, _speech = run("replay", letters, "--all", "--take-over", "--execute")
    assert (code, page) == (0, f"{40 - back} letters replayed\n")
    assert len(replayed(workshop.committed(orders))) == 40


def test_what_was_left_was_not_tried_and_nothing_failed(workshop: Workshop, run: Run) -> None:
    orders, letters = workshop.orders_with_letters(40)

    def drop_the_target() -> None:
        wait_until(lambda: bool(replayed(workshop.committed(orders))))
        workshop.drop(orders)

    somebody = threading.Thread(target=drop_the_target)
    somebody.start()
    code, page, speech = run("replay", letters, "--all", "--rate", "5", "--execute")
    somebody.join(30)
    why = f"the topic {orders} takes no records (no such topic or partition)"
    assert code == 1
    assert f"not tried: {why}" in page
    assert "failed" not in page
    assert "parked" not in page
    assert f"stopped: {why}" in speech


def test_records_that_are_not_the_ledgers_are_mentioned_by_every_command(
    workshop: Workshop, run: Run, own_ledger: str
) -> None:
    _orders, letters = workshop.orders_with_letters(1)
    workshop.topic(own_ledger, 2, cleanup_policy="compact")
    workshop.put(own_ledger, [(b"stray", b"garbage", ())], 1)
    for words in (("list",), ("history",), ("replay", letters, "--all")):
        code, page, speech = run(*words)
        assert code == 5, words
        assert f"the record at {own_ledger}/1/0 (key stray) is no record of the ledger" in page + speech, words
        assert "kcat -P -Z -b BROKER" in page + speech, words
