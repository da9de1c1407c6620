"""Consumer groups over librdkafka: who they are, what they are doing, and which partitions each member was given.

What this client can't see stays unknown instead of dead: it lists neither share nor streams groups, and has no word for
the KIP-848 states ``assigning`` and ``reconciling``.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection
from typing import Final

from confluent_kafka import KafkaException, Node
from confluent_kafka.admin import AdminClient, ConsumerGroupDescription, ConsumerGroupListing, MemberDescription

from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.failures import PASSING, error_of, is_forbidden, reason
from eventops.events import Partition
from eventops.ports import NO_SUCH_GROUP, Gap, Group, Groups, Member

UNKNOWN: Final = "unknown"
_PAUSE: Final = 0.2
_STATES: Final = {"preparing_rebalancing": "preparing_rebalance", "completing_rebalancing": "completing_rebalance"}


def groups(connection: Connection, names: Collection[str], unsupported: str) -> Groups:
    """List, then describe all at once. A group is what the list says it is; the description adds its members.
    ``unsupported`` is why groups of other kinds can't be read."""
    listed, unlisted = _listed(connection)
    wanted = set(names) or set(listed)
    others, why_not = _of_other_kinds(connection, set(listed)) if not names or wanted - set(listed) else (set(), None)
    known = sorted(wanted & set(listed))
    described, failures = _described(connection, known)
    found = [_group(listed[name], described[name]) for name in known if name in described]
    found += [Group(name, UNKNOWN, UNKNOWN, unsupported=unsupported) for name in others if not names or name in wanted]
    gaps = [Gap(name, None, why) for name, why in failures.items()]
    missing = wanted - set(listed) - others
    hidden = _hidden(connection, sorted(missing))
    gaps += [Gap(name, None, hidden.get(name) or unlisted or NO_SUCH_GROUP) for name in missing]
    if not names:
        gaps += [Gap("groups", None, why, is_of_list=True) for why in (unlisted, why_not) if why]
    return Groups(tuple(sorted(found, key=lambda group: group.group_id)), tuple(sorted(gaps, key=lambda g: g.subject)))


def _listed(connection: Connection) -> tuple[dict[str, ConsumerGroupListing], str | None]:
    """Groups by id, and why some may be missing: every broker lists its own, and one may fail while others answer.

    Raises:
        EventopsError: no broker listed any.
    """
    deadline = time.monotonic() + connection.timeout
    while True:
        answer = connection.answer(connection.admin().list_consumer_groups(request_timeout=connection.timeout))
        found = {group.group_id: group for group in answer.valid or []}
        errors = [error_of(error) for error in answer.errors or []]
        if not errors:
            return found, None
        if not all(error.code() in PASSING for error in errors) or time.monotonic() > deadline:
            break
        time.sleep(_PAUSE)
    if not found:
        raise connection.failure(errors[0])
    return found, f"a broker didn't list its groups ({reason(errors[0])})"


def _described(connection: Connection, names: list[str]) -> tuple[dict[str, ConsumerGroupDescription], dict[str, str]]:
    if not names:
        return {}, {}
    asked = connection.admin().describe_consumer_groups(names, request_timeout=connection.timeout)
    answers, failures = connection.answers(asked)
    connection.raise_if_nobody_answered(len(answers), failures.values(), failures)
    return answers, {name: reason(error) for name, error in failures.items()}


def _hidden(connection: Connection, names: list[str]) -> dict[str, str]:
    """A list leaves out what may not be described; asked for by name, it is told apart from what isn't there."""
    if not names:
        return {}
    asked = connection.admin().describe_consumer_groups(names, request_timeout=connection.timeout)
    failures = connection.answers(asked)[1]
    return {name: reason(error) for name, error in failures.items() if is_forbidden(error)}


def _of_other_kinds(connection: Connection, listed: set[str]) -> tuple[set[str], str | None]:
    """Share and streams groups, and why some may be missing: only the old listing names them, without a protocol type
    (the workers of Kafka Connect have one)."""
    admin: AdminClient = connection.admin()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its replacement leaves these groups out
        try:
            told = admin.list_groups(timeout=connection.timeout)
        except KafkaException as exception:
            return set(), f"share and streams groups weren't listed ({reason(error_of(exception))})"
    named = {str(group.id) for group in told if not str(group.protocol_type)}
    return named - listed, None


def _group(listing: ConsumerGroupListing, description: ConsumerGroupDescription) -> Group:
    members = tuple(_member(member) for member in description.members)
    state = str(description.state.name).lower()
    if state == "dead" and listing.state is not None:
        state = str(listing.state.name).lower()  # the description of what can't be described
    return Group(
        group_id=description.group_id,
        type=str(listing.type.name).lower(),
        state=_STATES.get(state, state),
        members=members,
        coordinator=_address(description.coordinator),
        assignor=description.partition_assignor or None,
    )


def _member(told: MemberDescription) -> Member:
    assigned = (Partition(p.topic, p.partition) for p in told.assignment.topic_partitions)
    return Member(told.member_id, told.client_id, told.host, tuple(sorted(assigned)), told.group_instance_id or None)


def _address(node: Node | None) -> str | None:
    return f"{node.host}:{node.port}" if node is not None and node.id >= 0 and node.host else None
