"""Records anew what producers of other languages and CloudEvents' SDKs send, through a real broker.

It needs node, npm and a broker, and isn't part of the test run; the tests read what it wrote:

    python -m venv sdk && sdk/bin/pip install confluent-kafka cloudevents
    sdk/bin/python tests/producers/record.py HOST:PORT
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

HERE = Path(__file__).parent
PACKAGES = ("kafkajs@2.2.4", "cloudevents@10.0.0")


def main(servers: str) -> None:
    """Write ``recorded/javascript.json`` and ``recorded/python-sdk.json``."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["npm", "install", "--silent", "--prefix", directory, *PACKAGES], check=True)
        script = Path(directory) / "producers.mjs"
        script.write_text((HERE / "producers.mjs").read_text(encoding="utf-8"), encoding="utf-8")
        record(servers, "javascript", lambda topic: subprocess.run(["node", script, servers, topic], check=True))
    record(servers, "python-sdk", lambda topic: send_cloudevents(servers, topic))


def record(servers: str, name: str, produce: Any) -> None:
    """Let it produce into a topic of its own, and keep the bytes."""
    topic = f"record-{name}-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
    try:
        produce(topic)
        kept = json.dumps([as_document(message) for message in read(servers, topic)], indent=1)
        (HERE / "recorded" / f"{name}.json").write_text(kept + "\n", encoding="utf-8")
    finally:
        admin.delete_topics([topic])[topic].result(20)


def send_cloudevents(servers: str, topic: str) -> None:
    """CloudEvents' Python SDK, binary and structured."""
    from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
    from cloudevents.core.v1.event import CloudEvent

    producer, cause = Producer({"bootstrap.servers": servers}), None
    for form, kind in ((to_binary_event, "order.placed"), (to_structured_event, "order.paid")):
        attributes = {"id": str(uuid.uuid4()), "type": kind, "source": "/orders", "specversion": "1.0"}
        attributes |= {"correlationid": "req-from-python", "datacontenttype": "application/json"}
        attributes |= {"causationid": cause} if cause else {}
        message = form(CloudEvent(attributes, {"total": 250.5}))
        producer.produce(topic, message.value, message.key, headers=dict(message.headers))
        cause = attributes["id"]
    assert producer.flush(20) == 0


def read(servers: str, topic: str) -> list[Any]:
    """Everything in the topic."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "record", "enable.auto.commit": False})
    home = TopicPartition(topic, 0, 0)
    _, end = consumer.get_watermark_offsets(home)
    consumer.assign([home])
    messages: list[Any] = []
    while len(messages) < end:
        messages += consumer.consume(end - len(messages), 1.0)
    consumer.close()
    return messages


def as_document(message: Any) -> dict[str, Any]:
    """Bytes as base64."""

    def text(raw: bytes | None) -> str | None:
        return None if raw is None else base64.b64encode(raw).decode()

    headers = [[name, text(value)] for name, value in message.headers() or []]
    return {"key": text(message.key()), "value": text(message.value()), "headers": headers}


if __name__ == "__main__":
    main(sys.argv[1])
