"""What a replay would put back, and as what. Pure: the service gathers what is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from eventops.dlq import rules
from eventops.dlq.cautions import cautions
from eventops.dlq.families import ORIGINAL_TIMESTAMP, strip
from eventops.dlq.ledger import TOPIC as LEDGER
from eventops.dlq.ledger import Ledger
from eventops.dlq.model import Letter, LetterId, State
from eventops.dlq.replay_model import Action, Content, Plan, Planned, Refused, Source, Told
from eventops.dlq.request import Known, LeftOut, Request, Strip, max_bytes
from eventops.dlq.rows import NO_TARGET, Deed, content_hash, ledger_key, replay_id, topic_identity
from eventops.dlq.trace_context import below, without_trace_context
from eventops.events import REPLAY_ID, REPLAY_LINK, Event, Headers, Position, Record, canonical_id, read_event, rfc3339
from eventops.ports import Outgoing
from eventops.wording import plural

_told: Final = lru_cache(maxsize=4_096)(Told)
"""One value for letters that are alike: rows are put together by it."""


def plan(request: Request, letters: Sequence[Letter], known: Known, chosen: Sequence[Letter] | None = None) -> Plan:
    """The plan for the ``chosen`` ones, else those that the selection means, of all the topic's ``letters``, judged."""
    known = replace(known, letters={letter.position: letter for letter in letters})
    selection = request.selection
    planned: list[Planned] = []
    already: list[Letter] = []
    refused: list[Refused] = []
    if chosen is None:
        chosen = [one for one in letters if rules.is_selected(one, selection)]
    for letter in sorted(chosen, key=_origin_order):
        if selection.limit is not None and len(planned) >= selection.limit:
            break
        match _decide(letter, request, known):
            case Planned() as one:
                planned.append(one)
            case Refused() as one:
                refused.append(one)
            case None:
                already.append(letter)
    limits = [limit for name in {one.target_topic for one in planned} if (limit := max_bytes(known, name))]
    return Plan(
        run_id=request.run_id,
        selection=selection,
        guarantee=known.guarantee,
        selected=len(planned) + len(already) + len(refused),
        planned=tuple(planned),
        already_replayed=tuple(already),
        refused=tuple(refused),
        warnings=tuple(cautions(planned, letters, known, request)) if request.action is Action.REPLAY else (),
        coverage=known.coverage,
        as_of=request.as_of,
        action=request.action,
        reason=request.reason,
        wishes=request.wishes,
        batch_bytes=min(limits, default=None),
        ends=known.ends,
        target_ids={name: topic.topic_id for name, topic in known.targets.items() if topic.topic_id},
    )


def letter_id(at: Position, cluster_id: str, topic_id: str | None) -> LetterId:
    """The letter that stands there, for all time."""
    return LetterId(cluster_id, topic_identity(at.topic, topic_id), at.partition, at.offset)


def replay_headers(
    letter: Letter, chain: Headers, replay: str, appended_at: str | None, wipe: Strip = strip
) -> Headers:
    """The headers of a replayed record: the event's own without any that tell of failures, then which replay it is, of
    which letter, and when the event was first appended."""
    first = next((value for name, value in chain if name == ORIGINAL_TIMESTAMP), None)
    stamp = first or (appended_at.encode() if appended_at else None)
    kept = tuple(header for header in wipe(chain) if header[0] != ORIGINAL_TIMESTAMP)
    ours: Headers = ((REPLAY_ID, replay.encode()), (REPLAY_LINK, str(letter.position).encode()))
    return kept + ours + (((ORIGINAL_TIMESTAMP, stamp),) if stamp else ())


def same_event(origin: Event, letter: Letter) -> bool | None:
    """Whether the record at a letter's origin is still the event that failed: the same event id, the same key and
    value, or the same time, where the letter tells that of its origin. A topic made anew has other events at the same
    offsets. None: the letter holds nothing that could tell."""
    told = letter.event
    if told.ids.event_id and origin.ids.event_id:
        return canonical_id(told.ids.event_id) == canonical_id(origin.ids.event_id)
    if (origin.record.key, origin.record.value) == (told.record.key, told.record.value):
        return True
    if letter.origin is not None and letter.origin.timestamp is not None:
        return letter.origin.timestamp == origin.record.timestamp
    return False if told.ids.event_id else None


def difference(origin: Record, letter: Record, wipe: Strip = strip) -> str | None:
    """How the origin differs from its letter, in words; None where it doesn't. Each hop has its own trace context."""
    found = []
    if origin.key != letter.key:
        found.append(f"key: {_size(origin.key)} in the origin, {_size(letter.key)} in the letter")
    if origin.value != letter.value:
        found.append(f"value: {_size(origin.value)} in the origin, {_size(letter.value)} in the letter")
    ours, theirs = (set(without_trace_context(wipe(record.headers))) for record in (origin, letter))
    if names := sorted({name for name, _value in ours ^ theirs}):
        found.append(f"headers: {', '.join(names)}")
    return "; ".join(found) or None


def target_names(letters: Collection[Letter], request: Request) -> frozenset[str]:
    """The topics a plan for those letters has to know."""
    return frozenset(name for letter in letters if (name := request.target_of(letter)))


def replays_so_far(letter: Letter, topic_id: str, there: Mapping[Position, Letter], ledger: Ledger) -> int:
    """How often the event was put back before it failed as this letter, as far as the letters that are still ``there``
    tell: by the ids that records carry, or by where the ledger says they were appended, for frameworks that keep no
    headers."""
    seen: set[Position] = set()
    at: Letter | None = letter
    while at is not None and at.position not in seen:
        seen.add(at.position)
        earlier = _earlier(at, topic_id, ledger)
        if earlier is None:
            return len(seen) - 1 + (at.replay_id is not None)
        at = there.get(earlier)
    return len(seen)


def _earlier(letter: Letter, topic_id: str, ledger: Ledger) -> Position | None:
    """The letter that was put back and failed again as this one."""
    written = letter.event.record.timestamp
    found = (ledger.put_to(topic_id, at, letter.position, written) for at in reversed(letter.origins))
    row = next((row for row in found if row is not None), None)
    if row is None and letter.replay_id:
        row = ledger.of_replay(topic_id, letter.replay_id)
    return Position(row.topic, row.letter.partition, row.letter.offset) if row is not None else None


def _decide(letter: Letter, request: Request, known: Known) -> Planned | Refused | None:
    """What is done with one selected letter; None: it was done before."""
    target = request.target_of(letter)
    if target is None:
        return Refused(letter, "the topic it came from wasn't recorded: name one with --to")
    source = letter_id(letter.position, known.cluster_id, known.topic.topic_id)
    if not known.ledger.is_legible(source) and (doubt := known.ledger.illegible(source)):
        return Refused(letter, f"{doubt.what}; {doubt.remedy}")
    row = known.ledger.latest(source)
    if row is not None and row.content != content_hash(letter.event.record):
        return Refused(letter, "the ledger's row is about another record at this position: the topic was made anew")
    if request.action is not Action.REPLAY:
        if request.action is Action.DISCARD and letter.is_replayed:  # nothing of it is left to write off
            return None
        objection = _no_need(letter, request.action)
        return Refused(letter, objection) if objection else _bookkeeping(letter, source)
    deed = (source, target, _attempt(source, target, request, known))
    done = known.ledger.replayed(deed)
    if request.wishes.again:
        if done is not None:  # by the run that this one goes on with
            return None
    elif done is not None or (letter.is_replayed and request.wishes.to is None):
        return None
    origin, beside = _origin_of(letter, request.wishes.source, known)
    if reason := _objection(letter, origin, beside, target, request, known):
        return Refused(letter, reason)
    return _planned(letter, origin, beside, deed, request, known)


def _attempt(source: LetterId, target: str, request: Request, known: Known) -> int:
    """The first, or where it is wanted once more the next one; the same one for the same run, which may have been
    interrupted and go on."""
    attempt = 1
    while request.wishes.again and (row := known.ledger.replayed((source, target, attempt))):
        if row.run_id == request.run_id:
            break
        attempt += 1
    return attempt


def _no_need(letter: Letter, action: Action) -> str | None:
    if action is Action.DISCARD:
        return "it was discarded before" if letter.state is State.DISCARDED else None
    if letter.state in (State.DISCARDED, State.PARKED):
        return None
    return f"it is {letter.state.value.replace('_', ' ')}, and neither discarded nor parked"


def _bookkeeping(letter: Letter, source: LetterId) -> Planned:
    record = letter.event.record
    name = replay_id(ledger_key(source, NO_TARGET))
    outgoing = Outgoing(NO_TARGET, record.key, record.value)
    told = _told(NO_TARGET, 1, letter.group, letter.cause.kind)
    return Planned(letter, outgoing, told, "letter", name, source, content_hash(record))


def _objection(
    letter: Letter, origin: Record | None, beside: Record | None, target: str, request: Request, known: Known
) -> str | None:
    """Why a letter isn't put back, where something speaks against it."""
    if (aside := _put_aside(letter, target, request, known)) is not None:
        return aside
    if target == letter.position.topic:
        return "its target is the dead-letter topic itself: name another with --to"
    if target not in known.targets:
        return f"the topic {target} doesn't exist: create it, or name another with --to"
    if target == LEDGER or known.targets[target].internal:
        return f"{target} is no topic for events, whatever the letter says: name another with --to"
    if why := letter.event.record.headers_reason or (origin and origin.headers_reason):
        return f"its headers can't be put back: {why}"
    if origin is None and request.wishes.source is Source.ORIGIN:
        return "the record at its origin can no longer be read, or is another event"
    if request.wishes.source is Source.AUTO and _may_be_emptied(letter, origin, beside):
        return (
            "it holds no value, the record at its origin does, and nothing tells whether that is the same event: "
            "--source origin or --source letter says which one to put back"
        )
    if origin is None and letter.is_bare:
        return "it holds neither key nor value, and the record it was made of " + (
            "isn't asked for" if request.wishes.source is Source.LETTER else "can no longer be read"
        )
    identity = topic_identity(known.topic.name, known.topic.topic_id)
    replays = replays_so_far(letter, identity, known.letters, known.ledger)
    if replays >= request.wishes.max_attempts:
        times = plural(replays, "time")
        return f"replayed {times} already, and failed again; --max-attempts {replays + 1} allows one more"
    return None


def _put_aside(letter: Letter, target: str, request: Request, known: Known) -> str | None:
    """Why a letter is left alone that was discarded, or that this very target refused, and that isn't named."""
    if letter.state not in (State.DISCARDED, State.PARKED) or letter.position in request.selection.positions:
        return None
    row = known.ledger.latest(letter_id(letter.position, known.cluster_id, known.topic.topic_id))
    if letter.state is State.PARKED and row is not None and row.target_topic != target:
        return None
    where = f" by {target}" if letter.state is State.PARKED else ""
    said = f": {letter.state_reason}" if letter.state_reason else ""
    return f"{letter.state.value}{where}{said}; name it with --offset to put it back all the same"


def _may_be_emptied(letter: Letter, origin: Record | None, beside: Record | None) -> bool:
    """Some frameworks' letters lose their value: put back to a compacted topic, such a one deletes its key. ``beside``
    is what stands at the origin, where nothing tells whether it is the same event."""
    is_tombstone = letter.event.record.value is None
    return origin is None and beside is not None and beside.value is not None and is_tombstone


def _planned(
    letter: Letter, origin: Record | None, beside: Record | None, deed: Deed, request: Request, known: Known
) -> Planned | Refused:
    source, target, attempt = deed
    record = origin or letter.event.record
    headers = below(letter.event.record.headers, record.headers)
    record = record if headers is record.headers else replace(record, headers=headers)
    replay = replay_id(ledger_key(source, target, attempt))
    dropped = {name.casefold() for name in (*request.wishes.drop_headers, ORIGINAL_TIMESTAMP)}
    kept = tuple(header for header in known.strip(record.headers) if header[0].casefold() not in dropped)
    content, change = Content(record.key, record.value, kept), None
    if request.revise is not None:
        try:
            content, change = request.revise(letter, content, replay)
        except LeftOut as left_out:
            return Refused(letter, str(left_out))
    differs = None if beside is None else difference(origin or beside, letter.event.record, known.strip)
    stamped = tuple(header for header in record.headers if header[0] == ORIGINAL_TIMESTAMP)
    headers = replay_headers(letter, content.headers + stamped, replay, _appended_at(letter, record), known.strip)
    partition = None if content.key != record.key else _target_partition(letter, target, request, known)
    return Planned(
        letter=letter,
        record=Outgoing(target, content.key, content.value, headers, partition),
        told=_told(target, attempt, letter.group, letter.cause.kind, change),
        taken_from="letter" if origin is None else "origin",
        replay_id=replay,
        source=source,
        content=content_hash(letter.event.record),
        difference=differs,
        compared=record if change else beside if differs else None,
    )


def _appended_at(letter: Letter, record: Record) -> str | None:
    told = letter.origin.timestamp if letter.origin else None
    return rfc3339(told or record.timestamp)


def _origin_of(letter: Letter, wanted: Source, known: Known) -> tuple[Record | None, Record | None]:
    """The record at a letter's origin, where it is put back, and which record that, or the letter, is shown beside. It
    is put back where it is still the same event; where nothing tells, to whoever asks for origins; and of a letter that
    holds nothing."""
    origin = known.origins.get(letter.origin.position) if letter.origin and wanted is not Source.LETTER else None
    if origin is None or letter.is_bare:
        return origin, None
    same = same_event(read_event(origin), letter)
    if same or (same is None and wanted is Source.ORIGIN):
        return origin, letter.event.record
    return None, origin if same is None else None


def _target_partition(letter: Letter, target: str, request: Request, known: Known) -> int | None:
    """The partition the event came from, where it goes back to its topic and the partition is there; else its key
    decides."""
    if letter.origin is None or target != letter.origin.position.topic or request.wishes.by_key:
        return None
    partition = letter.origin.position.partition
    return partition if partition in known.targets[target].partitions else None


def _origin_order(letter: Letter) -> tuple[Position, Position]:
    """As the events came: a key's events share a partition, so this keeps a key's order."""
    return (letter.origin.position if letter.origin else letter.position, letter.position)


def _size(content: bytes | None) -> str:
    return "none" if content is None else plural(len(content), "byte")
