"""What a group did with an event: a table of evidence, each row with why its verdict is right."""

import pytest

from eventops.events import Event, Partition, Position
from eventops.ports import Bounds, Committed, Gap, Group, LogBounds, Member
from eventops.trace.chain import gathered, hops
from eventops.trace.model import DeadLetter, Delivery, Hop, Status
from eventops.trace.rules import Readers, Standing, delivered, delivery
from tests.trace.scene import event, letter

AT = Position("orders", 0, 41)
HOME = Partition("orders", 0)


@pytest.mark.parametrize(
    ("standing", "status", "evidence", "why"),
    [
        (Standing("g", 42, 50), Status.CONSUMED, "committed 42 > offset 41", "the next one it reads is past it"),
        (Standing("g", 41, 50), Status.PENDING, "committed 41 <= offset 41", "a commit names the next to be read"),
        (Standing("g", 0, 50), Status.PENDING, "committed 0 <= offset 41", "0 is a commit like any other"),
        (Standing("g", 50, 50), Status.CONSUMED, "committed 50 > offset 41", "caught up"),
        (
            Standing("g", 90, 50),
            Status.UNKNOWN,
            "committed 90 > the log's end 50: the topic was made anew or cut short",
            "the commit is about a log that is gone",
        ),
        (Standing("g", 42, None), Status.CONSUMED, "committed 42 > offset 41", "the end isn't known; the commit is"),
        (
            Standing("g", None, 50, assigned=True),
            Status.PENDING,
            "never committed on orders/0, which is assigned to a member of it",
            "somebody is at work there and has committed nothing",
        ),
        (
            Standing("g", None, 50),
            Status.UNKNOWN,
            "never committed on orders/0, and no member of it has that partition",
            "unknown is not pending: where it would start is its own choice",
        ),
        (
            Standing("g", None, 50, assigned=True, reason="its committed offsets couldn't be had: no coordinator"),
            Status.UNKNOWN,
            "its committed offsets couldn't be had: no coordinator",
            "what couldn't be read isn't 'never committed'",
        ),
        (
            Standing("g", 42, 50, doubt="its dead letters weren't looked for"),
            Status.CONSUMED,
            "committed 42 > offset 41; its dead letters weren't looked for",
            "a narrow search may have left the letter out",
        ),
    ],
)
def test_offsets_tell(standing: Standing, status: Status, evidence: str, why: str) -> None:
    assert delivery(AT, standing) == Delivery("g", status, None, evidence), why


def judged(
    held: list[Event], letters: list[DeadLetter], committed: dict[str, int], end: int = 99
) -> tuple[Hop, dict[str, str]]:
    """The only hop, and its status a group, where groups committed those offsets on every topic."""
    homes = {one.position.home for one in held} | {one.position.home for one in letters}
    offsets = {group: dict.fromkeys(homes, offset) for group, offset in committed.items()}
    bounds = Bounds({home: LogBounds(0, end, end) for home in homes})
    groups = tuple(Group(group, "classic", "stable") for group in committed)
    found_hops = hops(gathered(held, letters), absent="it is gone")
    (found,) = delivered(found_hops, Readers(groups, Committed(offsets), bounds))
    return found, {one.group: one.status.value for one in found.deliveries}


ORIGINAL = event("a", at="orders/0/5")
REPLAY = event("a", at="orders/0/7", seconds=5, replay="r1")


@pytest.mark.parametrize(
    ("letters", "committed", "expected", "why"),
    [
        (
            [letter("a", "orders/0/5")],
            {"billing": 6},
            {"billing": "dead_lettered"},
            "it gave up, then committed past it",
        ),
        ([letter("a", "orders/0/5")], {"billing": 5}, {"billing": "dead_lettered"}, "the letter precedes the commit"),
        (
            [letter("a", "orders/0/5")],
            {"billing": 6, "audit": 6},
            {"audit": "consumed", "billing": "dead_lettered"},
            "one group's failure isn't another's",
        ),
        (
            [letter("a", "orders/0/5", group=None)],
            {"billing": 6},
            {"billing": "dead_lettered"},
            "the letter doesn't name its group: whoever reads it",
        ),
        (
            [letter("a", "orders/0/5", group=None)],
            {"billing": 6, "audit": 5},
            {"audit": "pending", "billing": "dead_lettered"},
            "it doesn't name its group: not who didn't come to it",
        ),
        (
            [letter("a", "orders/0/5", group=None)],
            {"billing": 6, "audit": 9},
            {"audit": "unknown", "billing": "unknown"},
            "it doesn't name its group: one of two",
        ),
        (
            [letter("a", "orders/0/5", group=None), letter("a", "orders/0/5")],
            {"billing": 6, "audit": 5},
            {"audit": "dead_lettered", "billing": "dead_lettered"},
            "two letters, one doesn't name its group: the other one's",
        ),
        (
            [letter("a", "orders/0/5", group=None)],
            {"billing": 5, "audit": 5},
            {"?": "dead_lettered", "audit": "pending", "billing": "pending"},
            "it doesn't name its group, and nobody passed the record yet",
        ),
        (
            [letter("a", "orders/0/4")],
            {"billing": 6},
            {"billing": "consumed"},
            "a letter about another position: the topic's former life",
        ),
        ([letter("a")], {"billing": 6}, {"billing": "dead_lettered"}, "a letter without a place is about the event"),
        (
            [letter("a", "orders/0/5", replayed=True)],
            {"billing": 6},
            {"billing": "replayed"},
            "the ledger says it was put back",
        ),
        (
            [
                letter("a", "orders/0/5", replayed=True),
                letter("a", "orders/0/5", "orders/0/7", at="orders-dlt/0/1", seconds=9),
            ],
            {"billing": 8},
            {"billing": "dead_lettered"},
            "put back and failed again: the newest letter decides",
        ),
        (
            [letter("a", "orders/0/5", group="gone")],
            {"billing": 6},
            {"billing": "consumed", "gone": "dead_lettered"},
            "a group that exists no more still failed on it",
        ),
    ],
)
def test_letters_tell(letters: list[DeadLetter], committed: dict[str, int], expected: dict[str, str], why: str) -> None:
    assert judged([ORIGINAL], letters, committed)[1] == expected, why


def test_the_letter_is_the_evidence() -> None:
    hop, _ = judged([ORIGINAL], [letter("a", "orders/0/5")], {"billing": 6})
    (told,) = hop.deliveries
    assert told.evidence == "letter orders-dlt/0/0: NoStock"
    assert told.at == hop.dead_letters[0].timestamp


@pytest.mark.parametrize(
    ("committed", "became", "why"),
    [(8, "consumed", "past the replay"), (7, "pending", "the replay is the next it reads")],
)
def test_what_became_of_the_replay_is_told(committed: int, became: str, why: str) -> None:
    hop, statuses = judged([ORIGINAL, REPLAY], [letter("a", "orders/0/5", replayed=True)], {"billing": committed})
    assert statuses == {"billing": "replayed"}
    assert [one.status.value for one in hop.copies[0].deliveries] == [became], why
    assert hop.deliveries[0].evidence == f"letter orders-dlt/0/0: NoStock, put back; orders/0/7 is {became}"


def test_a_letter_that_stands_in_knows_only_who_gave_up() -> None:
    _, statuses = judged([], [letter("a", "orders/0/5")], {"dlt-archiver": 6})
    assert statuses == {"billing": "dead_lettered"}


def test_readers_are_who_committed_or_was_assigned() -> None:
    groups = (
        Group("assigned", "classic", "stable", (Member("m", "c", "h", (HOME,)),)),
        Group("elsewhere", "classic", "stable", (Member("m", "c", "h", (Partition("mails", 0),)),)),
        Group("other-partition", "classic", "empty"),
        Group("unread", "classic", "stable", (Member("m", "c", "h", (HOME,)),)),
    )
    offsets = {"other-partition": {Partition("orders", 1): 3}, "elsewhere": {Partition("mails", 0): 1}}
    committed = Committed(offsets, (Gap("unread", None, "no coordinator"), Gap("orders", 0, "other-partition: denied")))
    found = Readers(groups, committed, Bounds({})).of(HOME)
    assert [(one.group, one.assigned, one.reason) for one in found] == [
        ("assigned", True, None),
        ("other-partition", False, "its committed offset couldn't be had: denied"),
        ("unread", True, "its committed offsets couldn't be had: no coordinator"),
    ]
