"""Gathers what a plan rests on: targets, origins, groups, newer events. Only reads."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from eventops.dlq import planning
from eventops.dlq.families import Conventions
from eventops.dlq.ledger import Ledger
from eventops.dlq.letter_log import Reading
from eventops.dlq.model import Letter
from eventops.dlq.newer import newer_events
from eventops.dlq.replay_model import AT_LEAST_ONCE, EXACTLY_ONCE, Source, Wishes
from eventops.dlq.request import Known, Request
from eventops.dlq.rows import NO_TARGET
from eventops.events import Position, Record
from eventops.ports import Broker, Capability, Topic


def known(
    broker: Broker,
    conventions: Conventions,
    rows: Ledger,
    topic: Topic,
    letters: Sequence[Letter],
    chosen: Sequence[Letter],
    request: Request,
    reading: Reading,
) -> Known:
    """What a plan for the chosen ones of that topic's letters rests on."""
    cluster_id, guarantee = broker.cluster().cluster_id, _guarantee(broker, request.wishes)
    names = planning.target_names(chosen, request) - {NO_TARGET}
    if not names:
        return Known(cluster_id, topic, rows, reading.coverage, guarantee, ends=reading.ends)
    wishes = request.wishes
    unsettled = [one for one in chosen if not one.is_replayed or wishes.again or wishes.to is not None]
    targets = {target.name: target for target in broker.topics(names)}
    newer = newer_events(broker, unsettled, targets, letters)
    wanted = unsettled if wishes.source is not Source.LETTER else ()
    idle, absent = _without_readers(broker, {letter.group for letter in unsettled if letter.group})
    return Known(
        cluster_id,
        topic,
        rows,
        reading.coverage,
        guarantee,
        ends=reading.ends,
        targets=targets,
        configs=broker.retention(targets),
        idle_groups=idle,
        absent_groups=absent,
        origins=origins(broker, {letter.origin.position for letter in wanted if letter.origin}),
        outdated=newer.outdated,
        unsearched=newer.unsearched,
        strip=conventions.strip,
    )


def origins(broker: Broker, positions: Collection[Position]) -> Mapping[Position, Record]:
    """The records at those positions; a header may name anything, so only partitions that exist are asked for."""
    topics = broker.topics({position.topic for position in positions}) if positions else ()
    partitions = {topic.name: topic.partitions for topic in topics}
    there = [position for position in positions if position.partition in partitions.get(position.topic, ())]
    return broker.read(there) if there else {}


@contextmanager
def uncollected() -> Iterator[None]:
    """While many values are made that stay, Python's collector would walk through all of them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _without_readers(broker: Broker, names: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Groups without members, and those that aren't there; one that couldn't be described is called neither."""
    if not names:
        return frozenset(), frozenset()
    answer = broker.groups(names)
    there = {group.group_id for group in answer.groups if group.state != "dead"}
    idle = {one.group_id for one in answer.groups if one.group_id in there and not one.members and not one.unsupported}
    absent = {name for name in names if name not in there and answer.why_unseen(name) is None}
    return frozenset(idle), frozenset(absent)


def _guarantee(broker: Broker, wishes: Wishes) -> str:
    has_transactions = Capability.TRANSACTIONS in broker.capabilities
    return EXACTLY_ONCE if has_transactions and not wishes.at_least_once else AT_LEAST_ONCE
