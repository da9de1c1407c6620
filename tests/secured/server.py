"""A broker that knows its users: SASL/SCRAM on two listeners, one of them over TLS; ACLs by Kafka's own authorizer."""

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
    tls_servers: str
    certificate: Path
    """Of the TLS listener; signed by itself."""

    def login(self, user: str, password: str | None = None) -> dict[str, str]:
        """Client properties of a user, whose password is its name and ``-secret``."""
        return {
            "bootstrap.servers": self.servers,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": MECHANISM,
            "sasl.username": user,
            "sasl.password": password or secret(user),
        }

    def login_over_tls(self, user: str) -> dict[str, str]:
        """The same over TLS, trusting the broker's certificate."""
        return {
            **self.login(user),
            "bootstrap.servers": self.tls_servers,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.certificate),
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
    port, controller_port, tls_port = ports.any_free(3)
    node = Node(1, port, controller_port, directory / "node-1")
    plan = Plan(nodes.new_cluster_id(), (node,))
    node.directory.mkdir(parents=True)
    keystore, trusted = certificate(node.directory)
    secured = _secured(node, f"{HOST}:{tls_port}", keystore)
    node.properties.write_text(rules.server_properties(node, plan) + secured, encoding="utf-8")
    _format(plan, installation, (ADMIN, *users))
    process = Warded(rules.broker_command(installation, node), log=node.log, environ=java_environ(), grace=_GRACE)
    kafka = SecuredKafka(node.address, f"{HOST}:{tls_port}", trusted)
    try:
        process.start()
        wait_until(lambda: process.alive and _answers(kafka), f"the secured broker answers, see {node.log}", 60)
        yield kafka
    finally:
        end_all([process])


def _secured(node: Node, tls: str, keystore: Path) -> str:
    """Said again after the local Kafka's own configuration: the last word counts."""
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    login = f"{module} required username={ADMIN} password={secret(ADMIN)};"
    listeners = f"SASL_PLAINTEXT://{node.address},SASL_SSL://{tls}"
    properties = {
        "listeners": f"{listeners},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "inter.broker.listener.name": "SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        f"listener.name.sasl_plaintext.{MECHANISM.lower()}.sasl.jaas.config": login,
        f"listener.name.sasl_ssl.{MECHANISM.lower()}.sasl.jaas.config": login,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN};User:ANONYMOUS",  # the controller's own listener knows nobody
        "log.cleaner.backoff.ms": 200,
    }
    return "".join(f"{name}={value}\n" for name, value in properties.items())


def certificate(directory: Path) -> tuple[Path, Path]:
    """A key with its certificate for the broker, and the certificate alone for clients."""
    key, public, both = (directory / name for name in ("key.pem", "certificate.pem", "keystore.pem"))
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=eventops-test", "-addext", f"subjectAltName=IP:{HOST}", "-days", "2"]
    command += ["-keyout", str(key), "-out", str(public)]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=True)
    both.write_text(key.read_text(encoding="ascii") + public.read_text(encoding="ascii"), encoding="ascii")
    return both, public


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
