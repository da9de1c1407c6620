"""SCRAM (RFC 5802) as Kafka speaks it, without channel binding: the client's three messages. Pure but for the nonce."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

HASHES: Final = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
_LEAST_ITERATIONS: Final = 4096
_MOST_ITERATIONS: Final = 10_000_000


class Refused(Exception):
    """The other side's proof is wrong, or its message isn't SCRAM."""


class Scram:
    """One authentication.

    >>> scram = Scram("SCRAM-SHA-256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO")
    >>> scram.first()
    b'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'
    """

    def __init__(self, mechanism: str, username: str, password: str, nonce: str | None = None) -> None:
        self._hash = HASHES[mechanism]
        self._password = password.encode()
        self._nonce = nonce or secrets.token_urlsafe(24)
        name = username.replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={name},r={self._nonce}"
        self._proof_expected = b""

    def first(self) -> bytes:
        """What the client says first."""
        return f"n,,{self._bare}".encode()

    def final(self, challenge: bytes) -> bytes:
        """The answer to the server's challenge: the proof that the password is known.

        Raises:
            Refused: the challenge isn't one.
        """
        said = _attributes(challenge)
        nonce, iterations = said.get("r", ""), said.get("i", "")
        if not nonce.startswith(self._nonce) or not iterations.isdecimal():
            raise Refused("the broker's SCRAM challenge isn't one")
        if not _LEAST_ITERATIONS <= int(iterations) <= _MOST_ITERATIONS:
            raise Refused(f"the broker asks for {iterations} iterations")
        try:
            salt = base64.b64decode(said.get("s", ""), validate=True)
        except binascii.Error as failure:
            raise Refused("the broker's salt isn't base64") from failure
        salted = hashlib.pbkdf2_hmac(self._hash, self._password, salt, int(iterations))
        without_proof = f"c=biws,r={nonce}"
        message = f"{self._bare},{challenge.decode()},{without_proof}".encode()
        client = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self._hash, client).digest(), message)
        self._proof_expected = self._hmac(self._hmac(salted, b"Server Key"), message)
        proof = bytes(a ^ b for a, b in zip(client, signature, strict=True))
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, answer: bytes) -> None:
        """
        Raises:
            Refused: the server doesn't know the password either.
        """
        told = _attributes(answer).get("v", "")
        if not hmac.compare_digest(told.encode(), base64.b64encode(self._proof_expected)):
            raise Refused("the broker can't prove that it knows the password")

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash)


def _attributes(message: bytes) -> dict[str, str]:
    """
    >>> _attributes(b"r=abc,s=c2FsdA==,i=4096")
    {'r': 'abc', 's': 'c2FsdA==', 'i': '4096'}
    """
    parts = message.decode("utf-8", "replace").split(",")
    return {name: value for name, _, value in (part.partition("=") for part in parts)}
