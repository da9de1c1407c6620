"""How producers choose a partition by key, and what letters tell of it: did the number of partitions change? Pure."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Final

FEW_KEYS: Final = 4
"""With fewer keys than that nothing is concluded."""


def murmur2(key: bytes) -> int:
    """Java's clients (``org.apache.kafka.common.utils.Utils.murmur2``, made positive).

    >>> told = {b"21": -973932308, b"foobar": -790332482, b"abc": 479470107}    # UtilsTest of Kafka
    >>> [murmur2(key) == number & 0x7FFFFFFF for key, number in told.items()]
    [True, True, True]
    """
    mask, mixer = 0xFFFFFFFF, 0x5BD1E995
    mixed = 0x9747B28C ^ len(key)
    whole = len(key) & ~3
    for at in range(0, whole, 4):
        word = int.from_bytes(key[at : at + 4], "little") * mixer & mask
        word = (word ^ word >> 24) * mixer & mask
        mixed = mixed * mixer & mask ^ word
    if rest := key[whole:]:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * mixer & mask
    mixed = (mixed ^ mixed >> 13) * mixer & mask
    return (mixed ^ mixed >> 15) & 0x7FFFFFFF


def crc32(key: bytes) -> int:
    """librdkafka's default (``consistent_random``) for records with a key."""
    return zlib.crc32(key)


PARTITIONERS: Final[Mapping[str, Callable[[bytes], int]]] = {"murmur2": murmur2, "crc32": crc32}


def earlier_count(seen: Collection[tuple[bytes, int]], partitions: int) -> int | None:
    """How many partitions a topic had when these keys went to these partitions, if that isn't how many it has now.

    None where they go there now as well, or where no number explains it: then nothing is known.

    >>> keys = [b"key-%d" % number for number in range(9)]
    >>> earlier_count([(key, murmur2(key) % 4) for key in keys], 6)
    4
    >>> earlier_count([(key, murmur2(key) % 6) for key in keys], 6), earlier_count([(b"k", 0)], 6)
    (None, None)
    """
    distinct = set(seen)
    if len({key for key, _partition in distinct}) < FEW_KEYS:
        return None
    hashed = {name: [(choose(key), at) for key, at in distinct] for name, choose in PARTITIONERS.items()}
    if any(_fits(found, partitions) for found in hashed.values()):
        return None
    lowest = max(at for _key, at in distinct) + 1
    for number in range(partitions - 1, lowest - 1, -1):
        if any(_fits(found, number) for found in hashed.values()):
            return number
    return None


def _fits(hashed: Collection[tuple[int, int]], partitions: int) -> bool:
    return all(number % partitions == at for number, at in hashed)
