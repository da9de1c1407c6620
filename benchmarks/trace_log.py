"""The logs on which finding a request is measured: events as they are in the field, of one day by their timestamps."""

from __future__ import annotations

import os
import time
from typing import Final

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

IDENTIFIER: Final = "benchmark-3f2b6c1e-0001"
PARTITIONS: Final = 6
HOURS: Final = 24
_BODY: Final = (
    '{"eventId":"%s","eventType":"order.placed","eventVersion":"1.0","source":"order-service",'
    '"timestamp":"2026-01-15T10:30:%02d.%03dZ","data":{"orderId":"order-%d","customer":"customer-%s","items":'
    '[{"sku":"sku-%s","quantity":%d,"price":"%d.90"},{"sku":"sku-%s","quantity":2,"price":"12.50"}],"address":'
    '"12 Some Street, 01234 Some Town","note":"please leave it at the door"},'
    '"metadata":{"correlationId":"%s","causationId":"%s"}}'
)
_TUNING: Final = {"linger.ms": 20, "batch.size": 524_288, "queue.buffering.max.messages": 200_000, "acks": "1"}


def topic_of(codec: str, records: int) -> str:
    """The log's name."""
    return f"benchmark-{codec}-{records}"


def fill(servers: str, topic: str, codec: str, records: int) -> None:
    """About 560 bytes and 3 headers a record; three of them are of the request, at the start, middle and end. The first
    is a day old, the last from now."""
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": servers, "compression.type": codec, **_TUNING})
    while producer.list_topics(topic, timeout=10).topics[topic].error is not None:
        time.sleep(0.1)
    wanted = {10, records // 2, records - 10}
    last = int(time.time() * 1000)
    first, each = last - HOURS * 3_600_000, HOURS * 3_600_000 / records
    for number in range(records):
        key, value, correlation = record(number, is_wanted=number in wanted)
        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_id", key),
            ("ce_correlationid", correlation),
            ("ce_type", b"order.placed"),
        ]
        while True:
            try:
                producer.produce(
                    topic, value, partition=number % PARTITIONS, headers=headers, timestamp=first + int(number * each)
                )
                break
            except BufferError:
                producer.poll(0.05)
        if number % 5000 == 0:
            producer.poll(0)
    producer.flush()


def record(number: int, *, is_wanted: bool) -> tuple[bytes, bytes, bytes]:
    """Event id, body and correlation id; ids are random, as they are in the field."""
    r = os.urandom(48).hex()
    event = f"{r[30:38]}-{r[38:42]}-4{r[42:45]}-8{r[45:48]}-{r[48:60]}"
    correlation = IDENTIFIER if is_wanted else f"{r[0:8]}-{r[8:12]}-4{r[12:15]}-8{r[15:18]}-{r[18:30]}"
    item = (r[60:68], r[68:74], number % 9, number % 97, r[74:80])
    body = _BODY % (event, number // 1000 % 60, number % 1000, number, *item, correlation, event)
    return event.encode(), body.encode(), correlation.encode()
