"""The raw way's bytes, without a broker: whatever comes over the wire is reported, never a crash and never a hang."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.adapters.kafka.raw import codecs, wire
from eventops.adapters.kafka.raw.batches import search, walk
from eventops.adapters.kafka.raw.chunks import Backlog
from eventops.adapters.kafka.raw.codecs import Decompressor, Undecodable
from eventops.adapters.kafka.raw.dialling import Dialling, Unsuited, dialling
from eventops.adapters.kafka.raw.line import Line
from eventops.adapters.kafka.raw.remaining import Remaining
from eventops.adapters.kafka.raw.scram import Refused, Scram
from eventops.adapters.kafka.raw.system_zstd import system_zstd
from eventops.events import Partition
from eventops.ports import Range

HERE = Partition("orders", 0)
NEEDLE = b"req-4711"
WATERMARK = 5000
NEEDS_LIBZSTD = pytest.mark.skipif(system_zstd() is None, reason="this system has no libzstd")


def batch(
    first: int, payload: bytes, *, codec: int = 0, count: int = 1, control: bool = False, magic: int = 2
) -> bytes:
    """A record batch whose records are ``payload``; raw fetching doesn't look at anything else."""
    attributes = codec | (0x20 if control else 0)
    rest = struct.pack(">ibIhiqqqhii", 0, magic, 0, attributes, count - 1, 0, 0, -1, -1, -1, count) + payload
    return struct.pack(">qi", first, len(rest)) + rest


def piece(data: bytearray) -> wire.Piece:
    """All of it, of a log that ends at the watermark."""
    return wire.Piece("orders", 0, 0, WATERMARK, 0, len(data))


def hits(data: bytes, position: int = 0, until: int = 1000) -> list[tuple[int, int]]:
    buffer = bytearray(data)
    return search(buffer, walk(buffer, piece(buffer), position, until), [NEEDLE], Decompressor()).hits


def test_only_batches_that_hold_a_needle_are_hits() -> None:
    data = batch(0, b"other") + batch(1, b"x" + NEEDLE, count=3) + batch(4, NEEDLE, control=True) + batch(5, NEEDLE * 2)
    assert hits(data) == [(1, 3), (5, 5)]
    assert hits(data, until=4) == [(1, 3)]


@pytest.mark.parametrize("has_libzstd", [True, False])
def test_codecs_may_change_from_batch_to_batch(monkeypatch: pytest.MonkeyPatch, has_libzstd: bool) -> None:
    if not has_libzstd:
        monkeypatch.setattr(codecs, "system_zstd", lambda: None)
    body = b"{}" * 2000 + NEEDLE
    packed = {
        1: bytes(cramjam.gzip.compress(body)),
        2: bytes(cramjam.snappy.compress_raw(body)),
        3: bytes(cramjam.lz4.compress(body)),
        4: bytes(cramjam.zstd.compress(body)),
    }
    data = batch(0, body) + b"".join(batch(codec, payload, codec=codec) for codec, payload in packed.items())
    assert hits(data + batch(5, b"none", codec=0)) == [(n, n) for n in range(5)]


def test_snappy_in_the_blocks_of_java_clients() -> None:
    blocks = [bytes(cramjam.snappy.compress_raw(part)) for part in (b"x" * 40_000 + NEEDLE[:4], NEEDLE[4:])]
    xerial = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1) + b"".join(struct.pack(">i", len(b)) + b for b in blocks)
    assert hits(batch(0, xerial, codec=2)) == [(0, 0)], "an id may lie across two blocks"
    with pytest.raises(Undecodable):
        Decompressor().decompressed(2, memoryview(xerial[:-1]))


def test_a_bomb_is_reported_and_not_obeyed() -> None:
    for codec, module in ((1, cramjam.gzip), (3, cramjam.lz4), (4, cramjam.zstd)):
        bomb = memoryview(bytes(module.compress(bytes(20_000_000))))
        with pytest.raises(Undecodable, match="doesn't decompress within 4 MB"):
            Decompressor(limit=4_000_000).decompressed(codec, bomb)


@NEEDS_LIBZSTD
@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=3), st.booleans())
def test_zstd_by_the_systems_library_is_what_it_is_by_streams(parts: list[bytes], has_room: bool) -> None:
    """Java's clients and librdkafka write frames without their size; a payload may be several frames."""
    into = system_zstd()
    assert into is not None
    payload, body = bytearray(b"".join(bytes(cramjam.zstd.compress(part)) for part in parts)), b"".join(parts)
    buffer = bytearray(len(body) if has_room else max(len(body) - 1, 0))
    if has_room or not body:
        size = into(memoryview(payload), buffer)
        assert buffer[:size] == body == bytes(cramjam.zstd.decompress(bytes(payload)))
    else:
        with pytest.raises(ValueError, match="Destination buffer is too small"):
            into(memoryview(payload), buffer)


@NEEDS_LIBZSTD
@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 255))
def test_any_bytes_are_zstd_or_refused_by_the_systems_library(body: bytes, at: int, flipped: int) -> None:
    into = system_zstd()
    assert into is not None
    packed = bytearray(cramjam.zstd.compress(body * 3))
    for payload in (bytearray(body), packed[: at % (len(packed) + 1)], packed):
        if payload is packed:
            packed[at % len(packed)] = flipped
        buffer = bytearray(1000)
        with suppress(ValueError):
            assert into(memoryview(payload), buffer) <= len(buffer)


def test_what_is_not_a_batch_ends_the_walk_with_a_reason() -> None:
    good = batch(0, b"a")
    for bad, says in (
        (batch(1, b"b", magic=1), "message format 1, older than Kafka 0.11, at offset 1"),
        (b"\0" * 17 + b"\0" * 60, "message format 0"),
        (batch(1, b"b", magic=9), "no record batch where one should begin, at offset 1"),
        (batch(1, b"b", count=-4), "no record batch"),
        (batch(0, b"b"), "no record batch"),
        (batch(WATERMARK, b"b"), "no record batch"),
    ):
        data = bytearray(good + bad)
        found = walk(data, piece(data), 0, 100)
        assert found.position == 1
        assert says in (found.trouble or ""), bad


@given(st.binary(max_size=400), st.integers(0, 300), st.integers(0, 255))
def test_any_bytes_are_walked_and_searched_without_a_crash(noise: bytes, at: int, flipped: int) -> None:
    data = bytearray(
        batch(0, b"a" * 60) + batch(1, bytes(cramjam.zstd.compress(NEEDLE * 9)), codec=4) + batch(2, noise)
    )
    data[at % len(data)] ^= flipped
    for bytes_ in (data, bytearray(noise)):
        found = walk(bytes_, piece(bytes_), 0, 10)
        assert 0 <= found.position <= WATERMARK
        search(bytes_, found, [NEEDLE], Decompressor(limit=100_000))


@given(st.binary(max_size=200))
def test_any_answer_is_understood_or_malformed(answer: bytes) -> None:
    for read in (wire.fetched, wire.versions):
        try:
            read(memoryview(answer))
        except wire.Malformed:
            continue


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 5000)), max_size=6), st.integers(1, 10_000_000))
def test_chunks_cover_every_offset_once(wanted: list[tuple[int, int]], size: int) -> None:
    ranges = [
        Range(Partition("t", n % 3), first + 10_000 * n, first + 10_000 * n + length)
        for n, (first, length) in enumerate(wanted)
    ]
    backlog, remaining = Backlog(ranges), Remaining(ranges)
    crossed = 0
    while chunks := backlog.take(size):
        assert len({chunk.partition for chunk in chunks}) == len(chunks)
        crossed += sum(remaining.cross_off(chunk.left) for chunk in chunks)
    assert not len(backlog)
    assert remaining.ranges() == []
    assert crossed == sum(length for _, length in wanted)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8))
def test_what_remains_is_what_was_not_crossed_off(crossed: list[tuple[int, int]]) -> None:
    remaining, left = Remaining([Range(HERE, 5, 50)]), set(range(5, 50))
    for first, length in crossed:
        gone = left & set(range(first, first + length))
        assert remaining.cross_off(Range(HERE, first, first + length)) == len(gone)
        left -= gone
    assert {offset for r in remaining.ranges() for offset in range(r.first, r.end)} == left


@pytest.mark.parametrize(
    "answer",
    [b"", b"\0\0", struct.pack(">ii", 2**31 - 1, 1), struct.pack(">ii", 4, 99), struct.pack(">iih", 6, 1, 35)],
    ids=["silence", "cut short", "too large", "another's", "an error"],
)
def test_whoever_does_not_speak_kafka_is_an_error(answer: bytes) -> None:
    with _peer(answer) as port, pytest.raises((OSError, wire.Malformed)):
        Line("127.0.0.1", port, Dialling(5, socket.AF_UNSPEC, None, None), bytearray(1000))


def test_a_broker_older_than_fetch_11_is_left_to_the_ordinary_consumer() -> None:
    old = struct.pack(">hi", 0, 1) + struct.pack(">hhh", wire.FETCH, 0, 10)
    answer = struct.pack(">ii", len(old) + 4, 1) + old
    with _peer(answer) as port, pytest.raises(Unsuited, match="the broker speaks Fetch 0 to 10, we speak 11"):
        Line("127.0.0.1", port, Dialling(5, socket.AF_UNSPEC, None, None), bytearray(1000))


def test_scram_as_in_rfc_7677() -> None:
    scram = Scram("SCRAM-SHA-256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO")
    challenge = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert scram.final(challenge).endswith(b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(Refused):
        scram.verify(b"v=AAAA")
    with pytest.raises(Refused):
        scram.final(b"r=somebody-else,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"security.protocol": "sasl_plaintext", "sasl.mechanism": "OAUTHBEARER"}, "OAUTHBEARER"),
        ({"ssl.cipher.suites": "x"}, "ssl.cipher.suites"),
        ({"security.protocol": "ssl", "ssl.ca.location": "/nowhere.pem"}, "TLS"),
        ({"broker.address.family": "v9"}, "v9"),
    ],
)
def test_settings_that_raw_fetching_does_not_know(properties: dict[str, str], says: str) -> None:
    with pytest.raises(Unsuited, match=says):
        dialling({"bootstrap.servers": "a:1", **properties}, 5)


@contextmanager
def _peer(answer: bytes) -> Iterator[int]:
    """Somebody who takes one request, says that, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)
