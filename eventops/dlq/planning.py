"""What a replay would put back, as what, and what speaks against it. Pure: the service gathers what is known."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from eventops.dlq import rules
from eventops.dlq.families import ORIGINAL_TIMESTAMP, strip
from eventops.dlq.ledger import NO_TARGET, Ledger, content_hash, ledger_key, replay_id, topic_identity
from eventops.dlq.model import Letter, LetterId, Plan, Planned, Refused, Selection, State
from eventops.events import REPLAY_ID, REPLAY_LINK, Event, Headers, Position, Record, read_event, rfc3339
from eventops.ports import Coverage, Topic
from eventops.wording import plural

EXACTLY_ONCE = "exactly_once"


@dataclass(frozen=True, slots=True)
class Known:
    """What a plan rests on. ``origins`` are the origin records that can still be read."""

    cluster_id: str
    topic: Topic
    ledger: Ledger
    coverage: Coverage
    targets: Mapping[str, Topic] = field(default_factory=dict)
    configs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Each target's configuration, where it may be read."""
    idle_groups: frozenset[str] = frozenset()
    origins: Mapping[Position, Record] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator asked for: to put back (``to`` a topic other than each letter's origin), or to write off."""

    selection: Selection
    as_of: datetime
    run_id: str
    to: str | None = None
    discard_reason: str | None = None

    def target_of(self, letter: Letter) -> str | None:
        """The topic a letter goes to; None where nobody recorded it."""
        if self.discard_reason is not None:
            return NO_TARGET
        return self.to or (letter.origin.position.topic if letter.origin else None)


def plan(request: Request, letters: Sequence[Letter], known: Known) -> Plan:
    """The plan for the selected ones among ``letters``, which are all of the topic's, judged."""
    selection = request.selection
    planned: list[Planned] = []
    already: list[Letter] = []
    refused: list[Refused] = []
    for letter in sorted((one for one in letters if rules.is_selected(one, selection)), key=_origin_order):
        if selection.limit is not None and len(planned) >= selection.limit:
            break
        match _decide(letter, request, known):
            case Planned() as one:
                planned.append(one)
            case Refused() as one:
                refused.append(one)
            case None:
                already.append(letter)
    return Plan(
        run_id=request.run_id,
        selection=selection,
        guarantee=EXACTLY_ONCE,
        selected=len(planned) + len(already) + len(refused),
        planned=tuple(planned),
        already_replayed=tuple(already),
        refused=tuple(refused),
        warnings=() if request.discard_reason is not None else tuple(_warnings(planned, letters, known)),
        coverage=known.coverage,
        as_of=request.as_of,
        to=request.to,
        discard_reason=request.discard_reason,
    )


def letter_id(at: Position, cluster_id: str, topic_id: str | None) -> LetterId:
    """The letter that stands there, for all time."""
    return LetterId(cluster_id, topic_identity(at.topic, topic_id), at.partition, at.offset)


def replay_headers(letter: Letter, chain: Headers, replay: str, appended_at: str | None) -> Headers:
    """The headers of a replayed record: the event's own without any that tell of failures, then which replay it is, of
    which letter, and when the event was first appended."""
    first = next((value for name, value in chain if name == ORIGINAL_TIMESTAMP), None)
    stamp = first or (appended_at.encode() if appended_at else None)
    kept = tuple(header for header in strip(chain) if header[0] != ORIGINAL_TIMESTAMP)
    ours: Headers = ((REPLAY_ID, replay.encode()), (REPLAY_LINK, str(letter.position).encode()))
    return kept + ours + (((ORIGINAL_TIMESTAMP, stamp),) if stamp else ())


def same_event(origin: Event, letter: Event) -> bool:
    """Whether the record at a letter's origin is still the event that failed: the same event id, or the same key and
    value where neither has one. A topic made anew has other events at the same offsets."""
    if origin.ids.event_id or letter.ids.event_id:
        return origin.ids.event_id == letter.ids.event_id
    return (origin.record.key, origin.record.value) == (letter.record.key, letter.record.value)


def difference(origin: Record, letter: Record) -> str | None:
    """How the origin differs from its letter, in words; None where it doesn't."""
    found = []
    if origin.key != letter.key:
        found.append(f"key: {_size(origin.key)} in the origin, {_size(letter.key)} in the letter")
    if origin.value != letter.value:
        found.append(f"value: {_size(origin.value)} in the origin, {_size(letter.value)} in the letter")
    ours, theirs = set(strip(origin.headers)), set(strip(letter.headers))
    if names := sorted({name for name, _value in ours ^ theirs}):
        found.append(f"headers: {', '.join(names)}")
    return "; ".join(found) or None


def command(plan: Plan, program: str, left: int | None = None) -> str:
    """The command line that executes the plan; ``left`` replaces its limit when part of it is done."""
    selection = plan.selection
    words = [*shlex.split(program), "dlq", "discard" if plan.is_discard else "replay", selection.topic]
    words += [word for cause in selection.causes for word in ("--cause", cause)]
    words += [word for group in selection.groups for word in ("--group", group)]
    words += [word for at in selection.positions for word in ("--offset", f"{at.partition}/{at.offset}")]
    if selection.since is not None:
        words += ["--since", rfc3339(selection.since)]
    if selection.until is not None:
        words += ["--until", rfc3339(selection.until)]
    if selection.where is not None:
        words += ["--where", selection.where.text]
    if selection.limit is not None:
        words += ["--limit", str(selection.limit if left is None else left)]
    if plan.to is not None:
        words += ["--to", plan.to]
    if plan.discard_reason is not None:
        words += ["--reason", plan.discard_reason]
    return shlex.join([*words, "--execute"])


def _decide(letter: Letter, request: Request, known: Known) -> Planned | Refused | None:
    """What is done with one selected letter; None: it was done before."""
    target = request.target_of(letter)
    if target is None:
        return Refused(letter, "its origin wasn't recorded: name a topic with --to")
    source = letter_id(letter.position, known.cluster_id, known.topic.topic_id)
    key = ledger_key(source, target)
    if key in known.ledger.unreadable:
        return Refused(letter, "the ledger has a row about it that this version of eventops can't read: upgrade")
    row = known.ledger.latest(source)
    if row is not None and row.content != content_hash(letter.event.record):
        return Refused(letter, "the ledger's row is about another record at this position: the topic was made anew")
    if known.ledger.replayed(key) or (letter.state is State.REPLAYED and request.to is None):
        return None
    if reason := _objection(letter, target, request, known):
        return Refused(letter, reason)
    return _planned(letter, target, source, key, known)


def _objection(letter: Letter, target: str, request: Request, known: Known) -> str | None:
    """Why a letter isn't put back, where something speaks against it."""
    if letter.state is State.DISCARDED and request.discard_reason is not None:
        return "it was discarded before"
    is_named = letter.position in request.selection.positions
    if letter.state in (State.DISCARDED, State.PARKED) and not is_named and request.discard_reason is None:
        said = f": {letter.state_reason}" if letter.state_reason else ""
        return f"{letter.state.value}{said}; name it with --offset to put it back all the same"
    if target == NO_TARGET:
        return None
    if target == letter.position.topic:
        return "its target is the dead-letter topic itself: name another with --to"
    if letter.is_bare and _origin_of(letter, known) is None:
        return "it holds neither key nor value, and the record it was made of can no longer be read"
    if target not in known.targets:
        return f"the topic {target} doesn't exist: create it, or name another with --to"
    return None


def _planned(letter: Letter, target: str, source: LetterId, key: bytes, known: Known) -> Planned:
    origin = _origin_of(letter, known)
    record = origin or letter.event.record
    appended_at = rfc3339(letter.origin.timestamp if letter.origin and letter.origin.timestamp else record.timestamp)
    replay = replay_id(key)
    return Planned(
        letter=letter,
        target_topic=target,
        target_partition=_target_partition(letter, target, known),
        key=record.key,
        value=record.value,
        headers=replay_headers(letter, record.headers, replay, appended_at),
        taken_from="letter" if origin is None else "origin",
        replay_id=replay,
        source=source,
        ledger_key=key,
        difference=None if origin is None or letter.is_bare else difference(origin, letter.event.record),
    )


def _origin_of(letter: Letter, known: Known) -> Record | None:
    """The record at a letter's origin, where it is still the same event; a letter that holds nothing can't say."""
    origin = known.origins.get(letter.origin.position) if letter.origin else None
    if origin is None or letter.is_bare or same_event(read_event(origin), letter.event):
        return origin
    return None


def _target_partition(letter: Letter, target: str, known: Known) -> int | None:
    """The partition the event came from, where it goes back to its topic and the partition is there; else its key
    decides."""
    if letter.origin is None or target != letter.origin.position.topic:
        return None
    partition = letter.origin.position.partition
    return partition if partition in known.targets[target].partitions else None


def _warnings(planned: Sequence[Planned], letters: Sequence[Letter], known: Known) -> Iterator[str]:
    for topic in sorted({one.target_topic for one in planned}):
        config = known.configs.get(topic, {})
        if "compact" in config.get("cleanup.policy", ""):
            yield f"{topic} is compacted: an old value would replace newer state of its key"
        limit = int(config.get("max.message.bytes", 0))
        large = sum(limit and _record_size(one) > limit for one in planned if one.target_topic == topic)
        if large:
            yield f"{plural(large, 'letter')} outgrew what {topic} takes ({limit:,} bytes) and would be parked"
    if parted := _parted_keys(planned, letters):
        yield f"of {plural(parted, 'key')} only some open letters are selected: the rest stays behind, out of order"
    if again := sum(one.letter.replay_id is not None for one in planned):
        yield f"{plural(again, 'letter')} failed again after an earlier replay: see that the cause is gone"
    for group in sorted({one.letter.group for one in planned if one.letter.group} & known.idle_groups):
        yield f"the group {group} has no members now: nobody reads what is put back"
    origins = Counter(one.letter.origin.position for one in planned if one.letter.origin)
    if doubled := sum(1 for letters_of_it in origins.values() if letters_of_it > 1):
        yield f"{plural(doubled, 'record')} failed more than once or in several groups and would be put back as often"
    differing = sum(one.difference is not None for one in planned)
    if differing:
        yield f"{plural(differing, 'letter')} differ from their origin: the origin record is put back"


def _parted_keys(planned: Iterable[Planned], letters: Iterable[Letter]) -> int:
    """Keys of which some unsettled letters are planned and others aren't."""
    chosen = {one.letter.position for one in planned}
    left = {_key(one) for one in letters if one.state in rules.UNSETTLED and one.position not in chosen}
    return len({_key(one.letter) for one in planned if one.letter.event.record.key is not None} & left)


def _key(letter: Letter) -> tuple[str | None, bytes | None]:
    return (letter.origin.position.topic if letter.origin else None, letter.event.record.key)


def _origin_order(letter: Letter) -> tuple[Position, Position]:
    """As the events came: a key's events share a partition, so this keeps a key's order."""
    return (letter.origin.position if letter.origin else letter.position, letter.position)


def _record_size(one: Planned) -> int:
    """At least so many bytes; the batch around it takes some more."""
    headers = sum(len(name) + len(value or b"") for name, value in one.headers)
    return len(one.key or b"") + len(one.value or b"") + headers


def _size(content: bytes | None) -> str:
    return "none" if content is None else plural(len(content), "byte")


def target_names(letters: Collection[Letter], request: Request) -> frozenset[str]:
    """The topics a plan for those letters has to know."""
    return frozenset(name for letter in letters if (name := request.target_of(letter)))
