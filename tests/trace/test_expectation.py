"""What a request must lead to: each row with why it passes or fails."""

from typing import Any

import pytest

from eventops.events import Event
from eventops.trace.chain import gathered, hops
from eventops.trace.expectation import Expectation, seconds
from eventops.trace.model import DeadLetter, TraceReport
from tests.trace.scene import event, letter, report_of


def report(*held: Event, letters: tuple[DeadLetter, ...] = ()) -> TraceReport:
    return report_of(hops(gathered(held, letters), absent=""))


CHAIN = report(event("a"), event("b", "a", "mails/0/0", 2), event("c", "a", "mails/0/1", 9))
FAILED = report(event("a"), letters=(letter("a", "orders/0/0"),))
REPLAYED = report(event("a"), letters=(letter("a", "orders/0/0", replayed=True),))


@pytest.mark.parametrize(
    ("file", "found", "failures", "why"),
    [
        ({"events": ["type.a", "type.c"]}, CHAIN, [], "both are there"),
        ({"events": ["type.z"]}, CHAIN, ["type.z: 0 of 1"], "nobody sent it"),
        ({"events": [{"type": "type.a", "count": 2}]}, CHAIN, ["type.a: 1 of 2"], "one is not two"),
        ({"events": [{"type": "type.c", "within": "9s"}]}, CHAIN, [], "just in time"),
        (
            {"events": [{"type": "type.c", "within": "8s"}]},
            CHAIN,
            ["type.c: 0 of 1, 1 later than 8.0 s"],
            "it came, and late",
        ),
        ({"events": [{"type": "type.a", "topic": "mails"}]}, CHAIN, ["type.a in mails: 0 of 1"], "in another topic"),
        ({"events": [{"type": "type.a", "source": "x"}]}, CHAIN, ["type.a from x: 0 of 1"], "from another service"),
        ({"events": ["type.a"]}, FAILED, ["1 dead letter: NoStock"], "it is there, and a group gave up on it"),
        ({"events": ["type.a"], "dead_letters": "any"}, FAILED, [], "whoever doesn't mind letters"),
        ({"events": ["type.a"]}, REPLAYED, [], "a letter that was put back is no failure"),
    ],
)
def test_a_chain_is_as_expected_or_not(file: Any, found: TraceReport, failures: list[str], why: str) -> None:
    assert list(Expectation.of(file).failures(found)) == failures, why


def test_a_dead_letter_does_not_go_away_by_waiting() -> None:
    assert Expectation.of({"events": ["type.a"]}).is_hopeless(FAILED)
    assert not Expectation.of({"events": ["type.z"]}).is_hopeless(CHAIN)
    assert not Expectation.of({"events": ["type.a"], "dead_letters": "any"}).is_hopeless(FAILED)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (None, "the file is an object with dead_letters, events, within"),
        ({"events": []}, "`events` is a list of at least one"),
        ({"event": ["a"]}, "the file has no 'event'"),
        ({"events": [7]}, "an event is an object"),
        ({"events": [{"count": 1}]}, "an event has a type"),
        ({"events": [{"type": "a", "count": 0}]}, "count is a number from 1 on"),
        ({"events": [{"type": "a", "typ": "b"}]}, "an event has no 'typ'"),
        ({"events": ["a"], "within": "soon"}, "'soon' is no duration"),
        ({"events": ["a"], "dead_letters": "some"}, "none or any, not 'some'"),
    ],
)
def test_a_file_that_says_something_else_is_refused(file: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Expectation.of(file)


@pytest.mark.parametrize("value", [True, -1, "1", "1 day", None, float("nan")])
def test_no_duration(value: object) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(value)
