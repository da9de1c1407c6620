"""What a shell offers while somebody types: the names of groups and topics.

A shell that completes can't be told anything: whatever goes wrong, nothing is offered, and soon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import click

from eventops import config
from eventops.cli.options import Choices
from eventops.errors import EventopsError

if TYPE_CHECKING:
    from eventops.ports import Broker

PATIENCE: Final = 2.0
"""Seconds a cluster has to answer somebody who pressed Tab."""

_MOST: Final = 1_000


def group_names(context: click.Context, _parameter: click.Parameter | None, incomplete: str) -> list[str]:
    """Consumer groups whose names begin like that."""
    return _begin_with(incomplete, _asked(context, lambda broker: [one.group_id for one in broker.groups().groups]))


def topic_names(context: click.Context, _parameter: click.Parameter | None, incomplete: str) -> list[str]:
    """Topics whose names begin like that, internal ones only for who typed as much."""
    found = _asked(context, lambda broker: [one.name for one in broker.topics()])
    return _begin_with(incomplete, (name for name in found if incomplete.startswith("_") or not name.startswith("_")))


def _asked(context: click.Context, question: Callable[[Broker], list[str]]) -> list[str]:
    from eventops.bootstrap import hurried_broker

    try:
        broker = hurried_broker(context.find_root().ensure_object(Choices).resolve(), PATIENCE)
        try:
            return question(broker)
        finally:
            broker.close()
    except (EventopsError, config.ConfigurationError):
        return []


def _begin_with(incomplete: str, names: Iterable[str]) -> list[str]:
    """Names that a terminal would obey aren't offered: a shell prints what it is given."""
    return [name for name in sorted(names) if name.startswith(incomplete) and name.isprintable()][:_MOST]
