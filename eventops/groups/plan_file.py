"""A plan as a file: CSV as ``kafka-consumer-groups --reset-offsets`` exports it and reads it ``--from-file``.

A line is ``topic,partition,offset``, without a header; with several groups ``group,topic,partition,offset``. Pure.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from eventops.events import Partition
from eventops.groups.model import Move


def written(moves: Iterable[Move]) -> str:
    """
    >>> from eventops.ports import LogBounds
    >>> written([Move(Partition("orders", 2), 7, 4, LogBounds(0, 9, 9))])
    'orders,2,4\\n'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        (move.partition.topic, move.partition.partition, move.after) for move in moves
    )
    return text.getvalue()


def read(text: str, group: str) -> dict[Partition, int]:
    """Offsets by partition; of a file of several groups those of ``group``.

    >>> read("orders,0,3\\n\\norders,1,9\\n", "billing")[Partition("orders", 1)]
    9
    >>> len(read("billing,orders,0,3\\naudit,orders,0,5\\n", "billing"))
    1

    Raises:
        ValueError: a line is neither, a partition comes twice, or there is no line for the group.
    """
    offsets: dict[Partition, int] = {}
    rows = list(_rows(text))
    if len({len(row) for _, row in rows}) > 1:
        raise ValueError("some lines name a group and others don't")
    for number, row in rows:
        if len(row) == 4 and row[0] != group:
            continue
        topic, partition, offset = row[-3:]
        at = Partition(topic, _natural(partition, number))
        if at in offsets:
            raise ValueError(f"line {number}: {at} comes twice")
        offsets[at] = _natural(offset, number)
    if not offsets:
        raise ValueError(f"it has no line for the group {group}" if rows else "it is empty")
    return offsets


def _rows(text: str) -> Iterable[tuple[int, list[str]]]:
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    try:
        for row in lines:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if len(cells) not in (3, 4) or not all(cells):
                raise ValueError(f"line {lines.line_num} is not TOPIC,PARTITION,OFFSET: {','.join(row)[:60]!r}")
            yield lines.line_num, cells
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num}: {error}") from error


def _natural(text: str, line: int) -> int:
    """A partition or an offset: Kafka's are numbers of 63 bits.

    Raises:
        ValueError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < 2**63):
        raise ValueError(f"line {line}: {text[:30]!r} is no partition or offset")
    return int(text)
