"""What this user may append to, as the broker itself says (KIP-430)."""

from __future__ import annotations

from collections.abc import Collection

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AclOperation, NewTopic

from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.failures import is_forbidden, is_gone

_READ = frozenset({AclOperation.READ, AclOperation.ALL})
_WRITE = frozenset({AclOperation.WRITE, AclOperation.ALL})


def unwritable(connection: Connection, names: Collection[str], read_back: Collection[str]) -> dict[str, str]:
    """Those that may not be written to (of ``read_back``: and read), each with the right that it takes. A broker that
    can't be asked, or a topic that it doesn't answer about, isn't among them: the attempt will tell."""
    if not names:
        return {}
    asked = connection.admin().describe_topics(
        TopicCollection(sorted(names)), include_authorized_operations=True, request_timeout=connection.timeout
    )
    found, failures = connection.answers(asked)
    refused = {name: f"WRITE on the topic {name}" for name, error in failures.items() if is_forbidden(error)}
    for name, told in found.items():
        allowed = set(told.authorized_operations or ())
        if allowed and not _WRITE & allowed:
            refused[name] = f"WRITE on the topic {name}"
        elif allowed and name in read_back and not _READ & allowed:
            refused[name] = f"READ on the topic {name}"
    missing = [name for name, error in failures.items() if is_gone(error)]
    refused.update(
        (name, f"CREATE on the cluster or on the topic {name}") for name in _uncreatable(connection, missing)
    )
    return refused


def _uncreatable(connection: Connection, names: Collection[str]) -> list[str]:
    """By asking the broker whether it would, which creates nothing."""
    if not names:
        return []
    asked = connection.admin().create_topics(
        [NewTopic(name, 1) for name in names], validate_only=True, request_timeout=connection.timeout
    )
    _found, failures = connection.answers(asked)
    return [name for name, error in failures.items() if is_forbidden(error)]
