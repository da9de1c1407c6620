"""Letters as lines, written as they are read: NDJSON or CSV, bytes that aren't text in base64."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from eventops.cli.diagnostics import progress
from eventops.cli.json_layout import json_line
from eventops.cli.output import csv_cell, flat

if TYPE_CHECKING:
    from eventops.dlq.model import Piece
    from eventops.ports import Coverage


def write(pieces: Iterable[Piece], output: str) -> tuple[int, Coverage | None]:
    """Print every letter; returns how many, and the coverage where a limit didn't end it."""
    from eventops.dlq.exporting import export_document

    number = 0
    coverage = None
    with progress("exporting") as tell:
        for piece in pieces:
            documents = [export_document(letter) for letter in piece.letters]
            if output == "csv":
                _print_csv(documents, with_header=number == 0)
            else:
                for document in documents:
                    click.echo(json_line(document))
            number += len(documents)
            coverage = piece.coverage
            tell(number, number)
    return number, coverage


def _print_csv(documents: list[dict[str, Any]], *, with_header: bool) -> None:
    """One letter has the same columns as any other: lists are JSON in one cell."""
    rows = [flat(document) for document in documents]
    if not rows:
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    if with_header:
        writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
    click.echo(text.getvalue(), nl=False)
