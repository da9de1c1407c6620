"""Groups of every kind, as what they are: classic, consumer (KIP-848), share (KIP-932) and streams (KIP-1071)."""

from __future__ import annotations

import re
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError
from kafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment

from eventops.adapters.kafka.failures import PASSING, reason
from eventops.adapters.kafka.wire import messages
from eventops.adapters.kafka.wire.client import Node, NoWire, Silence, Wire
from eventops.adapters.kafka.wire.coordinators import PAUSE, Coordinators
from eventops.events import Partition
from eventops.ports import NO_SUCH_GROUP, Gap, Group, Groups, Member

AT_ONCE: Final = 200
"""Groups a request: their members come along."""

_CONSUMING: Final = frozenset({"", "consumer", "share", "streams"})
"""Protocol types of groups that consume; the workers of Kafka Connect and schema registries have others."""

_DESCRIBERS: Final[Mapping[str, Callable[[list[str]], Any]]] = {
    "classic": lambda names: DescribeGroupsRequest(groups=names, include_authorized_operations=False),
    "consumer": lambda names: messages.ConsumerGroupDescribeRequest(
        group_ids=names, include_authorized_operations=False
    ),
    "share": lambda names: messages.ShareGroupDescribeRequest(group_ids=names, include_authorized_operations=False),
    "streams": lambda names: messages.StreamsGroupDescribeRequest(group_ids=names, include_authorized_operations=False),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """What the broker that keeps a group says about it in the list."""

    node: Node
    type: str
    state: str
    consumes: bool


def groups(wire: Wire, coordinators: Coordinators, names: Collection[str]) -> Groups:
    """All groups, or those of ``names``: every broker lists its own, then describes them.

    Raises:
        NoWire: no broker listed any.
    """
    listed, silent = _listed(wire, coordinators, wire.nodes())
    if silent and not listed and len(silent) == len(wire.nodes()):
        raise NoWire(next(iter(silent.values())).reason)
    unlisted = set(names) - set(listed)
    later, missing = _looked_for(wire, coordinators, unlisted) if unlisted else ({}, {})
    listed |= later
    wanted = set(names) or {name for name, found in listed.items() if found.consumes}
    known = sorted(wanted & set(listed))
    found, gaps = _described(wire, {name: listed[name] for name in known})
    if names:
        unsure = next((silence.reason for silence in silent.values()), NO_SUCH_GROUP)
        gaps += [Gap(name, None, unsure if why == NO_SUCH_GROUP else why) for name, why in missing.items()]
    else:
        if not silent:  # a group that was deleted since it was listed isn't one of all groups
            gaps = [gap for gap in gaps if gap.reason != NO_SUCH_GROUP]
        why = (f"{silence.reason}: its groups are missing" for silence in silent.values())
        gaps += [Gap("groups", None, one, is_of_list=True) for one in why]
    return Groups(tuple(sorted(found, key=lambda g: g.group_id)), tuple(sorted(gaps, key=lambda gap: gap.subject)))


def _listed(
    wire: Wire, coordinators: Coordinators, nodes: Collection[Node]
) -> tuple[dict[str, Listed], dict[Node, Silence]]:
    deadline = time.monotonic() + coordinators.patience
    found: dict[str, Listed] = {}
    silences: dict[Node, Silence] = {}
    waiting = tuple(nodes)
    while waiting:
        questions = {node: (node, ListGroupsRequest(states_filter=[], types_filter=[])) for node in waiting}
        answers, failures = wire.ask(questions)
        silences |= failures
        waiting = ()
        for node, told in answers.items():
            if told.error_code in PASSING and time.monotonic() < deadline:
                waiting = (*waiting, node)
            elif told.error_code:
                silences[node] = Silence(f"{wire.name(node)} answered: {reason(KafkaError(told.error_code))}")
            else:
                found |= {one.group_id: _from_list(node, one) for one in told.groups}
                coordinators.learn((one.group_id for one in told.groups), node)
        if waiting:
            time.sleep(PAUSE)
    return found, silences


def _from_list(node: Node, told: Any) -> Listed:
    kind = str(told.group_type or "classic").lower()  # brokers before 3.8 have no other kind and don't tell
    return Listed(node, kind, snake(told.group_state), told.protocol_type in _CONSUMING)


def _looked_for(
    wire: Wire, coordinators: Coordinators, names: Collection[str]
) -> tuple[dict[str, Listed], dict[str, str]]:
    """Groups that no list held, and why those that aren't found aren't there.

    A group that moves from a broker that fell silent to another stands in nobody's list for a moment. So a question
    about the group itself proves who its coordinator is now, and that one lists its groups once more: only what isn't
    among them doesn't exist. Nor does that prove it while a broker is silent: who takes over shows what was committed
    last only after its followers have it too, so until then `groups` says that it isn't known.
    """
    deadline = time.monotonic() + coordinators.patience
    missing: dict[str, str] = {}
    homes: dict[str, Node] = {}
    waiting = sorted(names)
    while waiting:
        coordinators.forget(waiting)
        by_node, failures = coordinators.of(waiting)
        answers, silences = wire.ask({node: (node, _DESCRIBERS["classic"](mine)) for node, mine in by_node.items()})
        missing |= failures | {name: silence.reason for node, silence in silences.items() for name in by_node[node]}
        told = [(one.group_id, one.error_code, node) for node, answer in answers.items() for one in answer.groups]
        homes |= {name: node for name, code, node in told if code not in PASSING}
        waiting = [name for name, code, _ in told if code in PASSING]
        if waiting and time.monotonic() > deadline:
            missing |= dict.fromkeys(waiting, "its coordinator is moving to another broker")
            break
        if waiting:
            time.sleep(PAUSE)
    listed, silent = _listed(wire, coordinators, set(homes.values()))
    for name, node in homes.items():
        if name not in listed:
            missing[name] = silent[node].reason if node in silent else NO_SUCH_GROUP
    return {name: listed[name] for name in names if name in listed}, missing


def _described(wire: Wire, listed: Mapping[str, Listed]) -> tuple[list[Group], list[Gap]]:
    questions = dict(_questions(listed))
    answers, failures = wire.ask({key: question for key, (question, _) in questions.items()})
    found: list[Group] = []
    gaps: list[Gap] = []
    for key, told in answers.items():
        kind = key[0]
        for one in told.groups:
            if one.error_code:
                why = (
                    NO_SUCH_GROUP
                    if one.error_code == KafkaError.GROUP_ID_NOT_FOUND
                    else reason(KafkaError(one.error_code))
                )
                gaps.append(Gap(one.group_id, None, why))
            else:
                found.append(_group(kind, one, wire.address(key[1])))
    for key, silence in failures.items():
        names = questions[key][1]
        if silence.unsupported:
            found += [Group(name, key[0], listed[name].state, unsupported=silence.reason) for name in names]
        else:
            gaps += [Gap(name, None, silence.reason) for name in names]
    found += [
        Group(name, one.type, one.state, unsupported=f"groups of the type {one.type} aren't known yet")
        for name, one in listed.items()
        if one.type not in _DESCRIBERS
    ]
    return found, gaps


def _group(kind: str, told: Any, coordinator: str | None) -> Group:
    assignor = told.protocol_data if kind == "classic" else getattr(told, "assignor_name", "")
    return Group(
        group_id=told.group_id,
        type=kind,
        state=snake(told.group_state),
        members=tuple(_members(kind, told)),
        coordinator=coordinator,
        assignor=assignor or None,
    )


def _questions(listed: Mapping[str, Listed]) -> Iterator[tuple[Any, tuple[tuple[Node, Any], list[str]]]]:
    together: dict[tuple[str, Node], list[str]] = defaultdict(list)
    for name, one in listed.items():
        if one.type in _DESCRIBERS:
            together[one.type, one.node].append(name)
    for (kind, node), names in together.items():
        for start in range(0, len(names), AT_ONCE):
            chunk = names[start : start + AT_ONCE]
            yield (kind, node, start), ((node, _DESCRIBERS[kind](chunk)), chunk)


def _members(kind: str, told: Any) -> Iterator[Member]:
    sources = _sources(told) if kind == "streams" else {}
    for one in told.members:
        match kind:
            case "classic":
                assigned = _of_classic(one.member_assignment) if told.protocol_type == "consumer" else []
            case "streams":
                tasks = one.assignment.active_tasks
                assigned = [
                    Partition(topic, number)
                    for task in tasks
                    for topic in sources.get(task.subtopology_id, ())
                    for number in task.partitions
                ]
            case _:
                assigned = [
                    Partition(topic.topic_name, number)
                    for topic in one.assignment.topic_partitions
                    for number in topic.partitions
                ]
        instance = one.group_instance_id if kind == "classic" else getattr(one, "instance_id", None)
        yield Member(one.member_id, one.client_id, one.client_host, tuple(sorted(assigned)), instance or None)


def _of_classic(assignment: bytes | None) -> list[Partition]:
    """What the leader of a classic group gave a member; none where it can't be understood."""
    if not assignment:
        return []
    try:
        told = ConsumerProtocolAssignment.decode(assignment)
    except (struct.error, ValueError, IndexError):
        return []
    return [Partition(topic.topic, number) for topic in told.assigned_partitions for number in topic.partitions]


def _sources(told: Any) -> dict[str, tuple[str, ...]]:
    """The topics that each part of a streams application reads."""
    if told.topology is None:
        return {}
    return {
        part.subtopology_id: (*part.source_topics, *(topic.name for topic in part.repartition_source_topics))
        for part in told.topology.subtopologies or ()
    }


def snake(state: str) -> str:
    """The broker's own word, as reports spell it.

    >>> snake("PreparingRebalance"), snake("Stable"), snake("")
    ('preparing_rebalance', 'stable', 'unknown')
    """
    return re.sub(r"(?<=.)(?=[A-Z])", "_", state).lower() or "unknown"
