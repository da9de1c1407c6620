"""What a plan is made of: what the operator asked for, and what is known. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from eventops.dlq.families import strip
from eventops.dlq.ledger import Ledger
from eventops.dlq.model import Letter, Selection
from eventops.dlq.replay_model import Action, Content, Wishes
from eventops.dlq.rows import NO_TARGET
from eventops.events import Headers, Partition, Position, Record
from eventops.ports import Coverage, Topic

Revise = Callable[[Letter, Content, str], tuple[Content, str | None]]
"""What is put back instead of a letter's content, given its replay id too, and in a few words why (None: unchanged).
Raises LeftOut where it shall not be put back."""
Strip = Callable[[Headers], Headers]


class LeftOut(Exception):
    """A letter isn't to be put back; the reason is the operator's own doing."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a plan rests on. ``origins`` are the origin records that can still be read."""

    cluster_id: str
    topic: Topic
    ledger: Ledger
    coverage: Coverage
    guarantee: str
    ends: Mapping[Partition, int] = field(default_factory=dict)
    """Where the dead-letter topic's partitions ended when the letters were read."""
    targets: Mapping[str, Topic] = field(default_factory=dict)
    configs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Each target's configuration, where it may be read."""
    idle_groups: frozenset[str] = frozenset()
    absent_groups: frozenset[str] = frozenset()
    origins: Mapping[Position, Record] = field(default_factory=dict)
    outdated: frozenset[Position] = frozenset()
    """Letters whose key has newer events in the target."""
    unsearched: Mapping[str, int] = field(default_factory=dict)
    """Targets that were too long to be searched whole for newer events, and how many of their last records were."""
    strip: Strip = strip
    """Headers without what families add."""
    letters: Mapping[Position, Letter] = field(default_factory=dict)
    """All of the topic's."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator asked for."""

    selection: Selection
    as_of: datetime
    run_id: str
    action: Action = Action.REPLAY
    wishes: Wishes = Wishes()  # noqa: RUF009 - frozen
    reason: str | None = None
    revise: Revise | None = None

    def target_of(self, letter: Letter) -> str | None:
        """The topic a letter goes to; None where nobody recorded it."""
        if self.action is not Action.REPLAY:
            return NO_TARGET
        return self.wishes.to or letter.came_from


def max_bytes(known: Known, topic: str) -> int | None:
    """The largest batch, and so the largest record, that a topic takes; None where it may not be known."""
    limit = known.configs.get(topic, {}).get("max.message.bytes")
    return int(limit) if limit else None
