"""The file that an editor left: what was changed of letters, read and held against the topic that is meant."""

from __future__ import annotations

from pathlib import Path

from eventops.dlq import revising
from eventops.dlq.revising import Edited
from eventops.errors import UsageError
from eventops.events import Position


def of_topic(file: str, topic: str) -> dict[Position, Edited]:
    """What was edited, where it is about letters of that topic.

    Raises:
        UsageError: it can't be read, is no JSON, or none of it is about a letter of that topic.
    """
    found = revising.read_documents(text(Path(file)))
    if found and not any(position.topic == topic for position in found):
        others = ", ".join(sorted({position.topic for position in found})[:3])
        raise UsageError(f"what was edited in {file} are letters of {others}, and none of {topic}")
    return found


def text(file: Path) -> str:
    """What stands in it; ``~`` is a home, for no shell says so of what is typed into the dashboard.

    Raises:
        UsageError: it can't be read, or is no text.
    """
    try:
        return file.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, RuntimeError) as error:  # RuntimeError: nobody of that name has a home
        raise UsageError(f"{file} can't be read as text ({error})") from error
