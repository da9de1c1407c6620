"""A member of a streams group as far as its coordinator can tell: heartbeats of a Kafka Streams application."""

from __future__ import annotations

import types
import uuid
from collections.abc import Mapping
from typing import Any, Self

from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.api_message import ApiMessage
from kafka.protocol.metadata import FindCoordinatorRequest

JOIN, LEAVE = 0, -1


class StreamsMember:
    """Joins on entering, leaves on exit; it takes whatever tasks it is given."""

    def __init__(self, properties: Mapping[str, str], group: str, topic: str) -> None:
        loaded = {"load_json": "tests.brokers.schemas"}
        self._heartbeat: Any = types.new_class("StreamsGroupHeartbeatRequest", (ApiMessage,), loaded)
        self._answer: Any = types.new_class("StreamsGroupHeartbeatResponse", (ApiMessage,), loaded)
        self._group, self._topic, self._member = group, topic, str(uuid.uuid4())
        self._epoch = JOIN
        self._owned: list[Any] = []
        self._net = NetworkSelector()
        self._net.start()
        self._manager = KafkaConnectionManager(
            self._net, bootstrap_servers=properties["bootstrap.servers"], client_id="eventops"
        )

    def __enter__(self) -> Self:
        self._manager.bootstrap(timeout_ms=10_000)
        (self._node, *_) = [broker.node_id for broker in self._manager.cluster.brokers()]
        found = self._asked(FindCoordinatorRequest(key_type=0, coordinator_keys=[self._group]))
        self._node = found.coordinators[0].node_id
        self.beat()
        return self

    def __exit__(self, *_: object) -> None:
        self._epoch = LEAVE
        self.beat()
        self._manager.call_soon(self._manager.close)
        self._net.stop(timeout_ms=1000)
        self._net.close()

    def beat(self) -> None:
        """One heartbeat: what was given is taken."""
        message = self._heartbeat(
            group_id=self._group,
            member_id=self._member,
            member_epoch=self._epoch,
            rebalance_timeout_ms=60_000 if self._epoch == JOIN else -1,
            topology=self._topology() if self._epoch == JOIN else None,
            process_id=self._member if self._epoch == JOIN else None,
            active_tasks=self._owned,
            standby_tasks=[],
            warmup_tasks=[],
            client_tags=[] if self._epoch == JOIN else None,
        )
        told = self._asked(message)
        assert told.error_code == 0, told
        self._epoch = told.member_epoch
        if told.active_tasks is not None:
            task = self._heartbeat.ActiveTasksOf
            self._owned = [task(subtopology_id=t.subtopology_id, partitions=t.partitions) for t in told.active_tasks]

    def _topology(self) -> Any:
        topology = self._heartbeat.Topology
        part = topology.Subtopology(
            subtopology_id="0",
            source_topics=[self._topic],
            source_topic_regex=[],
            state_changelog_topics=[],
            repartition_sink_topics=[],
            repartition_source_topics=[],
            copartition_groups=[],
        )
        return topology(epoch=0, subtopologies=[part])

    def _asked(self, message: Any) -> Any:
        async def sent() -> Any:
            return await self._manager.send(message, node_id=self._node)

        return self._manager.run(sent)
