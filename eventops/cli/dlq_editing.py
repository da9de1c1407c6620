"""``--edit`` and ``--transform``: what is put back can be changed first."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from eventops.cli.diagnostics import complain, say
from eventops.cli.options import Command
from eventops.errors import UsageError
from eventops.events import Position

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.dlq.model import Selection
    from eventops.dlq.replay_model import Wishes
    from eventops.dlq.revising import Edited

MOST: Final = 200
"""Records that an editor is given at once."""


def editing_options(command: Command) -> Command:
    """How what is put back is changed."""
    for option in (
        click.option(
            "--new-id",
            "new_ids",
            is_flag=True,
            help="Give what is put back an event id of its own, with the old one as its causation id.",
        ),
        click.option(
            "--edited",
            type=click.Path(exists=True, dir_okay=False),
            metavar="FILE",
            help="What an --edit left: put that back.",
        ),
        click.option("--edit", is_flag=True, help="Change them in $EDITOR first, as JSON; the plan shows a diff."),
        click.option(
            "--transform",
            metavar="JQ",
            help="A jq expression over {key, value, headers}, as in '.value.email |= ascii_downcase'; empty leaves a "
            "letter out. The plan shows a diff. Numbers that it doesn't touch keep their form; letters with numbers of "
            "more digits than jq keeps are refused, and those at which it takes more than 5 s or 1 GiB.",
        ),
    ):
        command = option(command)
    return command


def edits(desk: Desk, chosen: Selection, wishes: Wishes, *, edit: bool) -> tuple[Wishes, dict[Position, Edited] | None]:
    """What was edited, now or before, and the wishes with the file that keeps it.

    Raises:
        UsageError: there is no editor, it left no JSON, or there is too much to edit.
    """
    from eventops.dlq import edited_file, revising

    if wishes.edited is not None:
        if edit:
            raise click.UsageError("--edit opens an editor, --edited takes what one left: give one of them")
        return wishes, edited_file.of_topic(wishes.edited, chosen.topic)
    if not edit:
        return wishes, None
    plan = desk.dlq.plan(chosen, desk.now(), "edit", replace(wishes, new_ids=False))
    if not plan.planned:
        return wishes, None
    if len(plan.planned) > MOST:
        raise UsageError(
            f"{len(plan.planned):,} records are too many for an editor", "choose fewer, or give a --transform"
        )
    text = revising.documents(plan)
    file = _kept(text)
    try:
        found = _edited(file, [one.letter.position for one in plan.planned])
    finally:
        is_kept = _is_kept(file, text)
    if not is_kept:
        say("nothing was changed in the editor")
        return wishes, None
    say(f"what was edited is kept in {file}")
    return replace(wishes, edited=str(file)), found


def _is_kept(file: Path, text: str) -> bool:
    """What was edited is kept; a file that is still as it was is removed, for payloads are in it."""
    with contextlib.suppress(OSError):
        if file.read_bytes() != text.encode():
            return True
        file.unlink()
    return False


def _edited(file: Path, positions: list[Position]) -> dict[Position, Edited]:
    """Until it is JSON, or the operator has enough of it."""
    from eventops.dlq import edited_file, revising

    while True:
        _open(file)
        try:
            return revising.read_documents(edited_file.text(file), positions)
        except UsageError as error:
            if not os.isatty(0):
                raise UsageError(f"{error} (in {file})") from error
            complain(str(error))
            if not click.confirm("Edit it again?", default=True, err=True):
                raise UsageError(f"{error} (in {file})") from error


def _open(file: Path) -> None:
    if not os.isatty(0) and not (os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        raise UsageError("there is no terminal for an editor", "run it on one, or name a program with EDITOR")
    try:
        click.edit(filename=str(file))
    except click.ClickException as error:
        raise UsageError(f"the editor failed ({error.message})", "name another with EDITOR") from error


def _kept(text: str) -> Path:
    """A file that only this user reads: payloads are nobody else's business."""
    handle, name = tempfile.mkstemp(prefix="eventops-edit-", suffix=".json")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)
