"""What an operator would regret, said before it is done: one function a warning. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Final

from eventops.dlq import rules
from eventops.dlq.model import Letter, State
from eventops.dlq.partitioners import earlier_count
from eventops.dlq.replay_model import Planned
from eventops.dlq.request import Known, Request, max_bytes
from eventops.events import header_text
from eventops.wording import duration, plural

STILL_FAILING: Final = timedelta(minutes=5)
"""A cause whose last letter is younger than that isn't over, as far as anybody knows."""
_COUNTER: Final = re.compile(r"attempt|retr(y|ies)|redeliver|deliver(y|ies)[-_.]?count", re.IGNORECASE)
_MOST_KEYS: Final = 2_000
"""Letters that are asked where their keys go; more say the same."""
_MOST_OF_A_KIND: Final = 3
"""Sentences that say the same of several groups or causes."""

_FROM_ORIGIN: Final = "the origin record, which is put back"
_FROM_LETTER: Final = (
    "what stands at the origin, and nothing tells whether that is the same event: the letter itself is put back; "
    "--source origin takes the other"
)


def cautions(planned: Sequence[Planned], letters: Sequence[Letter], known: Known, request: Request) -> Iterator[str]:
    """Everything that speaks against it, as sentences."""
    for topic in sorted({one.target_topic for one in planned}):
        there = [one for one in planned if one.target_topic == topic]
        yield from _another_for_letters(topic)
        yield from _compacted(topic, known)
        yield from _too_large(topic, there, known)
        yield from _partition_count(topic, there, known, request)
    yield from _newer_events(planned, known)
    yield from _parted_keys(planned, letters)
    yield from _failed_again(planned)
    yield from _still_failing(planned, letters, request)
    yield from _nobody_reads({one.letter.group for one in planned if one.letter.group}, known)
    yield from _counters(planned)
    yield from _doubled(planned)
    yield from _differing(planned)


def _folded(told: Sequence[str], one: str, which: str) -> Iterator[str]:
    """Sentences of one kind: the first few, and how many more there are, for hundreds would hide the plan itself.

    >>> list(_folded(["a fails", "b fails"], "cause", "that still fail"))
    ['a fails', 'b fails']
    >>> list(_folded([f"{number} fails" for number in range(300)], "cause", "that still fail"))[2:]
    ['2 fails', 'and 297 more causes that still fail']
    """
    few = _MOST_OF_A_KIND if len(told) > _MOST_OF_A_KIND + 1 else len(told)
    yield from told[:few]
    if more := len(told) - few:
        yield f"and {more:,} more {one}s {which}"


def _differing(planned: Sequence[Planned]) -> Iterator[str]:
    """A letter is shown beside its origin, whichever of both is put back."""
    differing = Counter(one.taken_from for one in planned if one.difference is not None)
    for taken_from, what in (("origin", _FROM_ORIGIN), ("letter", _FROM_LETTER)):
        if number := differing[taken_from]:
            yield f"{plural(number, 'letter')} {'differs' if number == 1 else 'differ'} from {what}"


def _another_for_letters(topic: str) -> Iterator[str]:
    if rules.is_dead_letter_name(topic):
        yield f"{topic} is named for dead letters: no consumer handles there what is put back"


def _compacted(topic: str, known: Known) -> Iterator[str]:
    if "compact" in known.configs.get(topic, {}).get("cleanup.policy", ""):
        yield f"{topic} is compacted: an old value would replace newer state of its key"


def _too_large(topic: str, there: Sequence[Planned], known: Known) -> Iterator[str]:
    limit = max_bytes(known, topic)
    if large := sum(limit is not None and record_size(one) > limit for one in there):
        yield f"{plural(large, 'letter')} outgrew what {topic} takes ({limit:,} bytes) and would be parked"


def _partition_count(topic: str, there: Sequence[Planned], known: Known, request: Request) -> Iterator[str]:
    now = len(known.targets[topic].partitions)
    came = [(one, one.letter.origin.position) for one in there if one.letter.origin]
    came = [(one, at) for one, at in came if at.topic == topic]
    if lost := sum(at.partition not in known.targets[topic].partitions for _one, at in came):
        yield f"the partition that {plural(lost, 'letter')} came from is gone from {topic}: their keys choose another"
        return
    seen = [(one.letter.event.record.key, at.partition) for one, at in came[:_MOST_KEYS]]
    before = earlier_count([(key, partition) for key, partition in seen if key is not None], now)
    if before is not None and not request.wishes.by_key:
        yield (
            f"{topic} had {plural(before, 'partition')} when these events came and has {now} now: they go back to "
            "where they came from, newer events of their keys to other partitions; --by-key lets the keys choose"
        )


def _newer_events(planned: Sequence[Planned], known: Known) -> Iterator[str]:
    older = [one for one in planned if one.letter.position in known.outdated]
    if older:
        keys = len({(one.target_topic, one.letter.event.record.key) for one in older})
        late = plural(len(older), "letter")
        yield f"of {plural(keys, 'key')} newer events are in the target: {late} would come after them"
    for topic, number in sorted(known.unsearched.items()):
        yield f"only the last {number:,} records of {topic} were searched for newer events of the same keys"


def _parted_keys(planned: Sequence[Planned], letters: Iterable[Letter]) -> Iterator[str]:
    """Keys of which some unsettled letters are planned and others aren't."""
    chosen = {one.letter.position for one in planned}
    left = {_key(one) for one in letters if one.state in rules.UNSETTLED and one.position not in chosen}
    if parted := len({_key(one.letter) for one in planned if one.letter.event.record.key is not None} & left):
        yield f"of {plural(parted, 'key')} only some open letters are selected: the rest stays behind, out of order"


def _failed_again(planned: Sequence[Planned]) -> Iterator[str]:
    if again := sum(one.letter.replay_id is not None or one.letter.state is State.FAILED_AGAIN for one in planned):
        yield f"{plural(again, 'letter')} failed again after an earlier replay: see that the cause is gone"


def _still_failing(planned: Sequence[Planned], letters: Iterable[Letter], request: Request) -> Iterator[str]:
    """The same group failed for the same cause just now."""
    meant = {(one.letter.group, one.letter.cause.kind) for one in planned if one.letter.group}
    last: dict[tuple[str | None, str], timedelta] = {}
    for letter in letters:
        reader = (letter.group, letter.cause.kind)
        if reader in meant and letter.timestamp is not None:
            age = request.as_of - letter.timestamp
            last[reader] = min(age, last.get(reader, age))
    fresh = sorted((age, str(reader), reader) for reader, age in last.items() if age < STILL_FAILING)
    told = [
        f"the group {group} still fails with {cause}: its last letter came {_ago(age)} ago"
        for age, _, (group, cause) in fresh
    ]
    yield from _folded(told, "cause", "that still fail")


def _ago(age: timedelta) -> str:
    """Clocks differ: what comes from the future came just now."""
    return duration(max(age.total_seconds(), 0.0))


def _nobody_reads(groups: Collection[str], known: Known) -> Iterator[str]:
    """Groups that are to handle what is put back, and can't now."""
    nobody = "nobody reads what is put back"
    idle = sorted(known.idle_groups.intersection(groups))
    yield from _folded([f"the group {one} has no members now: {nobody}" for one in idle], "group", "without members")
    absent = sorted(known.absent_groups.intersection(groups))
    yield from _folded([f"there is no group {one}: {nobody}" for one in absent], "group", "that aren't there")


def _counters(planned: Sequence[Planned]) -> Iterator[str]:
    """Counters of attempts that no family is known to write, and that stay on the record."""
    found: Counter[str] = Counter()
    for one in planned:
        found.update({name for name, value in one.headers if _is_counter(name) and _is_counted(value)})
    for name, number in sorted(found.items()):
        yield (
            f"the header {name} stays on {plural(number, 'letter')} and may exhaust their retries at once; "
            f"--drop-header {name} leaves it out"
        )


def _doubled(planned: Sequence[Planned]) -> Iterator[str]:
    origins = Counter(one.letter.origin.position for one in planned if one.letter.origin)
    if doubled := sum(1 for letters_of_it in origins.values() if letters_of_it > 1):
        yield f"{plural(doubled, 'record')} failed more than once or in several groups and would be put back as often"


def record_size(one: Planned) -> int:
    """At least so many bytes; the batch around it takes some more."""
    headers = sum(len(name) + len(value or b"") for name, value in one.headers)
    return len(one.key or b"") + len(one.value or b"") + headers


@lru_cache(maxsize=4_096)  # a topic's letters have the same few names
def _is_counter(name: str) -> bool:
    return _COUNTER.search(name) is not None


def _is_counted(value: bytes | None) -> bool:
    """Any number but none and nought: in decimal, or as bytes."""
    text = header_text(value)
    if text is not None and text.strip().isdecimal():
        return int(text) > 0
    return bool(value) and len(value or b"") <= 8 and any(value or b"")


def _key(letter: Letter) -> tuple[str | None, bytes | None]:
    return (letter.came_from, letter.event.record.key)
