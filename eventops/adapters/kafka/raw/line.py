"""One connection to one broker: connected, authenticated, and used for a request at a time in each direction."""

from __future__ import annotations

import socket
from contextlib import suppress
from struct import Struct
from typing import Final

from eventops.adapters.kafka.raw import wire
from eventops.adapters.kafka.raw.dialling import Dialling, Login, Unsuited
from eventops.adapters.kafka.raw.scram import Refused, Scram
from eventops.adapters.kafka.raw.wire import Fetched, Malformed, Wanted

MOST: Final = 128 * 1024 * 1024
"""Bytes of one answer; a Fetch may exceed what it asked for by one batch."""

_CLIENT: Final = "eventops"
_SIZES: Final = Struct(">ii")


class Line:
    """A connection that speaks Fetch. ``close`` may be called from another thread: it ends a wait.

    Raises:
        OSError: nobody answers, or not in time.
        Unsuited: the broker is too old, or refuses the login.
        Malformed: whoever answers doesn't speak Kafka.
    """

    def __init__(self, host: str, port: int, dialling: Dialling, buffer: bytearray) -> None:
        self.buffer = buffer
        self._most = len(buffer)
        self._number = 0
        self._socket = _connected(host, port, dialling)
        try:
            self._agree()
            if dialling.login is not None:
                self._log_in(dialling.login)
        except BaseException:
            self.close()
            raise

    def ask(self, wanted: list[Wanted], max_bytes: int) -> None:
        """Send a Fetch; the answer is to be taken before the next one is sent."""
        self._send(wire.FETCH, wire.FETCH_VERSION, wire.fetch(wanted, max_bytes))

    def answer(self) -> Fetched:
        """The answer to the Fetch that was sent; its batches stand in ``buffer`` until the next one is taken."""
        size = self._receive()
        return wire.fetched(memoryview(self.buffer)[:size])

    def close(self) -> None:
        """Let go; never raises."""
        with suppress(OSError):  # it is closed already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _agree(self) -> None:
        known = wire.versions(self._call(wire.API_VERSIONS, 0, b""))
        low, high = known.get(wire.FETCH, (0, 0))
        if not low <= wire.FETCH_VERSION <= high:
            raise Unsuited(f"the broker speaks Fetch {low} to {high}, we speak {wire.FETCH_VERSION}")

    def _log_in(self, login: Login) -> None:
        answer = wire.Reading(self._call(wire.SASL_HANDSHAKE, 1, wire.text(login.mechanism)))
        if failure := answer.int16():
            raise Unsuited(f"the broker refuses SASL {login.mechanism} (error {failure})")
        if login.mechanism == "PLAIN":
            self._authenticate(f"\0{login.username}\0{login.password}".encode())
            return
        scram = Scram(login.mechanism, login.username, login.password)
        try:
            scram.verify(self._authenticate(scram.final(self._authenticate(scram.first()))))
        except Refused as failed:
            raise Unsuited(str(failed)) from failed

    def _authenticate(self, said: bytes) -> bytes:
        answer = wire.Reading(self._call(wire.SASL_AUTHENTICATE, 0, wire.data(said)))
        failure, message = answer.int16(), answer.text()
        if failure:
            raise Unsuited(f"the broker refuses the login ({message or failure})")
        return answer.data()

    def _call(self, key: int, version: int, body: bytes) -> memoryview:
        self._send(key, version, body)
        return memoryview(self.buffer)[: self._receive()]

    def _send(self, key: int, version: int, body: bytes) -> None:
        self._number += 1
        self._socket.sendall(wire.request(key, version, self._number, _CLIENT, body))

    def _receive(self) -> int:
        """Bytes of the answer after its correlation id. An answer beyond the buffer gets a buffer of its own."""
        head = bytearray(_SIZES.size)
        self._fill(head, len(head))
        whole, number = _SIZES.unpack(head)
        size = int(whole) - 4
        if number != self._number or not 0 <= size <= MOST:
            raise Malformed(f"an answer of {size} bytes to request {number}, where {self._number} was asked")
        if size > len(self.buffer):
            self.buffer = bytearray(size)
        elif len(self.buffer) > self._most >= size:
            self.buffer = bytearray(self._most)
        self._fill(self.buffer, size)
        return size

    def _fill(self, buffer: bytearray, size: int) -> None:
        view, at = memoryview(buffer), 0
        while at < size:
            got = self._socket.recv_into(view[at:size])
            if not got:
                raise ConnectionResetError("the broker closed the connection")
            at += got


def _connected(host: str, port: int, dialling: Dialling) -> socket.socket:
    failure: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, dialling.family, socket.SOCK_STREAM):
        found = socket.socket(family, kind, protocol)
        try:
            found.settimeout(dialling.timeout)
            found.connect(address)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if dialling.tls is not None:
                return dialling.tls.wrap_socket(found, server_hostname=host)
        except OSError as error:
            found.close()
            failure = error
        else:
            return found
    raise failure
