"""A broker that knows its users: SASL/SCRAM on the listener, ACLs by Kafka's own authorizer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from eventops.bootstrap import local_kafka
from eventops.local import nodes, ports, rules
from eventops.local.java import java_environ
from eventops.local.model import HOST, Installation, Node, Plan
from eventops.local.warded import Warded, end_all
from tests.waiting import wait_until

ADMIN: Final = "admin"
MECHANISM: Final = "SCRAM-SHA-256"
_GRACE: Final = 5.0


@dataclass(frozen=True, slots=True)
class SecuredKafka:
    """Where it listens, and how each user logs in. The administrator may do everything, the others what ACLs allow."""

    servers: str

    def login(self, user: str, password: str | None = None) -> dict[str, str]:
        """Client properties of a user, whose password is its name and ``-secret``."""
        return {
            "bootstrap.servers": self.servers,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": MECHANISM,
            "sasl.username": user,
            "sasl.password": password or secret(user),
        }

    def allow(self, user: str, kind: ResourceType, name: str, *operations: AclOperation) -> None:
        """Let a user do that with a topic or group; a name that ends with ``*`` is a prefix."""
        pattern = ResourcePatternType.PREFIXED if name.endswith("*") else ResourcePatternType.LITERAL
        acls = [
            AclBinding(kind, name.rstrip("*"), pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
            for operation in operations
        ]
        admin = AdminClient({**self.login(ADMIN)})
        for future in admin.create_acls(acls).values():
            future.result(20)


def secret(user: str) -> str:
    """The password of a test's user."""
    return f"{user}-secret"


@contextmanager
def secured_kafka(directory: Path, *users: str) -> Iterator[SecuredKafka]:
    """One broker that ends with the block; ``users`` can log in beside the administrator."""
    installation = local_kafka().install()
    port, controller_port = ports.any_free(2)
    node = Node(1, port, controller_port, directory / "node-1")
    plan = Plan(nodes.new_cluster_id(), (node,))
    node.directory.mkdir(parents=True)
    node.properties.write_text(rules.server_properties(node, plan) + _secured(node), encoding="utf-8")
    _format(plan, installation, (ADMIN, *users))
    process = Warded(rules.broker_command(installation, node), log=node.log, environ=java_environ(), grace=_GRACE)
    kafka = SecuredKafka(node.address)
    try:
        process.start()
        wait_until(lambda: process.alive and _answers(kafka), f"the secured broker answers, see {node.log}", 60)
        yield kafka
    finally:
        end_all([process])


def _secured(node: Node) -> str:
    """Said again after the local Kafka's own configuration: the last word counts."""
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    login = f"{module} required username={ADMIN} password={secret(ADMIN)};"
    properties = {
        "listeners": f"SASL_PLAINTEXT://{node.address},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"SASL_PLAINTEXT://{node.address}",
        "listener.security.protocol.map": "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        f"listener.name.sasl_plaintext.{MECHANISM.lower()}.sasl.jaas.config": login,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN};User:ANONYMOUS",  # the controller's own listener knows nobody
        "log.cleaner.backoff.ms": 200,
    }
    return "".join(f"{name}={value}\n" for name, value in properties.items())


def _format(plan: Plan, installation: Installation, users: tuple[str, ...]) -> None:
    (node,) = plan.nodes
    command = rules.format_command(installation, plan.cluster_id, str(node.properties))
    for user in users:
        command += ["--add-scram", f"{MECHANISM}=[name={user},password={secret(user)}]"]
    subprocess.run(command, env=java_environ(), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)


def _answers(kafka: SecuredKafka) -> bool:
    try:
        return bool(AdminClient({**kafka.login(ADMIN), "log_level": 0}).list_topics(timeout=1).brokers)
    except KafkaException:
        return False
