"""Records in the ledger's topic that aren't eventops' own, or a later version's: told with what takes them back."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.dlq.illegible import Illegible
from eventops.dlq.ledger import Ledger
from eventops.dlq.model import LetterId, Selection
from eventops.dlq.replay_model import Plan
from eventops.dlq.service import DeadLetterService
from eventops.events import Position
from tests.dlq.workshop import Workshop, record, wait_until

GARBAGE = b"not a row"
LATER = b'{"version":99,"anything":1}'
LATER_ABOUT = b'{"version":99,"topic_id":"%s"}'
KEYS = [b"plain", b"a'b\\c%d \t|$x", b"line\nfeed", "schlüssel".encode(), bytes(range(256)), b"\0" * 900 + b"%k"]


def planned(service: DeadLetterService, topic: str) -> Plan:
    return service.plan(Selection(topic), datetime.now(UTC), "run-1")


@pytest.mark.broker
@pytest.mark.parametrize("value", [GARBAGE, LATER])
@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_the_command_that_is_printed_takes_a_record_back(
    workshop: Workshop, service: DeadLetterService, own_ledger: str, key: bytes, value: bytes
) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("kcat isn't installed")
    _orders, letters = workshop.orders_with_letters(1)
    workshop.topic(own_ledger, 2, cleanup_policy="compact")
    workshop.put(own_ledger, [(b"other", None, ()), (key, value, ())], 1)

    plan = planned(service, letters)
    (refused,) = plan.refused
    assert f"the record at {own_ledger}/1/1" in refused.reason
    assert not plan.coverage.complete
    assert ("upgrade" in refused.reason) is (value is LATER)
    command = refused.reason[refused.reason.index("without value: ") + len("without value: ") :]
    subprocess.run(["bash", "-c", command.replace("BROKER", workshop.bootstrap)], check=True, timeout=30)

    plan = planned(service, letters)
    assert (plan.refused, len(plan.planned), plan.coverage.complete) == ((), 1, True)
    fresh = planned(DeadLetterService(service._broker, operator="bob@test"), letters)
    assert len(fresh.planned) == 1, "whoever reads it from the beginning sees the same"


@pytest.mark.broker
def test_every_look_at_the_ledger_mentions_what_it_cannot_read(
    workshop: Workshop, service: DeadLetterService, own_ledger: str
) -> None:
    _orders, letters = workshop.orders_with_letters(1)
    workshop.topic(own_ledger, 2, cleanup_policy="compact")
    assert service.doubts() == ()
    workshop.put(own_ledger, [(b"one", GARBAGE, ()), (b"two", GARBAGE, ())], 1)
    for gaps in (service.list(datetime.now(UTC)).coverage.gaps, service.history(letters)[1]):
        (gap,) = [gap for gap in gaps if gap.subject == own_ledger]
        assert gap.partition == 1
        assert f"the record at {own_ledger}/1/0 (key one)" in gap.reason
        assert "1 more record like it" in gap.reason
    assert [what.split(" (key")[0] for what, _remedy in service.doubts()] == [
        f"the record at {own_ledger}/1/0",
        f"the record at {own_ledger}/1/1",
    ]


@pytest.mark.broker
def test_a_ledger_that_would_forget_is_among_the_doubts(
    workshop: Workshop, service: DeadLetterService, own_ledger: str
) -> None:
    assert service.doubts() == (), "where there is none yet"
    workshop.topic(own_ledger, 2, cleanup_policy="delete")
    wait_until(lambda: bool(service.doubts()))  # the broker tells a new topic's properties a moment later
    ((what, remedy),) = service.doubts()
    assert "cleanup.policy=delete" in what
    assert remedy == "set its cleanup.policy to compact"


@pytest.mark.parametrize("value", [LATER, LATER_ABOUT % b"t"])
def test_a_later_versions_record_is_taken_back_by_its_key(value: bytes) -> None:
    about, other = LetterId("c", "t", 0, 1), LetterId("c", "another", 0, 1)
    found = Ledger()
    found.absorb([record(key=b"k", value=value, at="eventops-ledger/3/17")])

    assert not found.is_legible(about)
    assert found.is_legible(other) is (value is not LATER)
    doubt = found.illegible(about)
    assert doubt is not None
    assert "eventops-ledger/3/17" in doubt.what
    assert "later version (99)" in doubt.what
    assert doubt.remedy.startswith("upgrade, or")
    found.absorb([record(key=b"another", value=None, at="eventops-ledger/3/18")])
    assert not found.is_legible(about)
    found.absorb([record(key=b"k", value=None, at="eventops-ledger/3/19")])
    assert found.is_legible(about)
    assert found.illegible(about) is None


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.sampled_from([GARBAGE, LATER, LATER_ABOUT % b"t", None]))))
def test_a_ledger_is_legible_exactly_where_no_last_record_of_a_key_is_in_doubt(
    written: list[tuple[bytes, bytes | None]],
) -> None:
    found = Ledger()
    found.absorb(record(key=key, value=value, at=f"l/0/{at}") for at, (key, value) in enumerate(written))
    last = {value for value in dict(written).values() if value is not None}
    assert found.is_legible(LetterId("c", "t", 0, 1)) is (not last)
    assert found.is_legible(LetterId("c", "u", 0, 1)) is (last <= {LATER_ABOUT % b"t"})


@pytest.mark.parametrize("key", [None, b""])
def test_what_has_no_key_is_nobodys(key: bytes | None) -> None:
    found = Ledger()
    found.absorb([record(key=key, value=GARBAGE, at="eventops-ledger/3/17")])
    assert found.is_legible(LetterId("c", "t", 0, 1))


@given(st.binary(max_size=400))
def test_any_key_has_a_command_of_printable_text(key: bytes) -> None:
    command = Illegible(Position("ledger", 1, 2), key).tombstone
    assert command.isascii()
    assert command.isprintable()
    assert len(command) < 2_000
