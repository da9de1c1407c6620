"""Ports of this machine."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from eventops.local.model import HOST


def is_free(port: int) -> bool:
    """Whether a server could listen there now. A port whose last connections still time out is free, as for Kafka."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def any_free(count: int) -> tuple[int, ...]:
    """As many different ports as asked for, chosen by the system."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return tuple(one.getsockname()[1] for one in sockets)
