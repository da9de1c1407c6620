"""Which broker keeps which group: asked for all at once, remembered until a broker says that it isn't so any more."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaError
from kafka.protocol.metadata import FindCoordinatorRequest

from eventops.adapters.kafka.failures import PASSING, reason
from eventops.adapters.kafka.wire.client import Node, NoWire, Wire

PAUSE: Final = 0.1
_GROUP: Final = 0


class Coordinators:
    """Where the groups of one cluster are kept. ``patience`` (seconds) is how long a move is waited for."""

    def __init__(self, wire: Wire, patience: float) -> None:
        self._wire = wire
        self._known: dict[str, Node] = {}
        self.patience = patience

    def learn(self, groups: Iterable[str], node: Node) -> None:
        """A broker listed these groups, so it keeps them."""
        self._known.update(dict.fromkeys(groups, node))

    def forget(self, groups: Iterable[str]) -> None:
        """A broker said that it doesn't keep them."""
        for group in groups:
            self._known.pop(group, None)

    def of(self, groups: Collection[str]) -> tuple[dict[Node, list[str]], dict[str, str]]:
        """Groups by their brokers, and why some have none."""
        failures = self._find([group for group in groups if group not in self._known])
        found: dict[Node, list[str]] = defaultdict(list)
        for group in groups:
            if group not in failures:
                found[self._known[group]].append(group)
        return found, failures

    def _find(self, unknown: list[str]) -> dict[str, str]:
        deadline = time.monotonic() + self.patience
        failures: dict[str, str] = {}
        while unknown:
            try:
                told = self._wire.ask_any(partial(_question, list(unknown)))
            except NoWire as error:
                return failures | dict.fromkeys(unknown, str(error))
            unknown = []
            for one in told.coordinators:
                if not one.error_code:
                    self._known[one.key] = one.node_id
                elif one.error_code in PASSING and time.monotonic() < deadline:
                    unknown.append(one.key)
                else:
                    failures[one.key] = reason(KafkaError(one.error_code))
            if unknown:
                time.sleep(PAUSE)
        return failures


def _question(groups: list[str]) -> Any:
    return FindCoordinatorRequest(key_type=_GROUP, coordinator_keys=groups, min_version=4)
