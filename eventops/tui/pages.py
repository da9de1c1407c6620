"""The screens by what they are about, each imported when it is opened: the first paint waits for none of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.screen import Screen

    from eventops.dlq.model import CauseGroup, Letter
    from eventops.events import Position
    from eventops.lag.model import GroupLag
    from eventops.tui.page import Page
    from eventops.tui.target import Target


def overview() -> Page:
    """Everything at once."""
    from eventops.tui.overview import OverviewPage

    return OverviewPage()


def groups() -> Page:
    """All consumer groups."""
    from eventops.tui.lag import LagPage

    return LagPage()


def group(name: str) -> Page:
    """One group's partitions and members."""
    from eventops.tui.lag import GroupPage

    return GroupPage(name)


def trace(identifier: str | None = None) -> Page:
    """What happened to a request; None: the operator says to which."""
    from eventops.tui.trace import TracePage

    return TracePage(identifier)


def letter_topics() -> Page:
    """All dead-letter topics."""
    from eventops.tui.dlq import TopicsPage

    return TopicsPage()


def causes(topic: str) -> Page:
    """One dead-letter topic by cause."""
    from eventops.tui.dlq import CausesPage

    return CausesPage(topic)


def letters_at(place: str) -> Page:
    """One dead-letter topic by cause; of ``TOPIC/PARTITION/OFFSET`` that letter, for no topic has a slash."""
    from eventops.events import Position

    try:
        return letter(Position.parse(place))
    except ValueError:
        return causes(place)


def letters(cause: CauseGroup) -> Page:
    """The letters of one cause."""
    from eventops.tui.letters import LettersPage

    return LettersPage(cause)


def letter(position: Position) -> Page:
    """One letter."""
    from eventops.tui.letters import LetterPage

    return LetterPage(position)


def topics() -> Page:
    """All topics."""
    from eventops.tui.topics import TopicListPage

    return TopicListPage()


def topic(name: str) -> Page:
    """One topic's partitions and readers."""
    from eventops.tui.topics import TopicPage

    return TopicPage(name)


def tail(topic: str) -> Page:
    """What comes to a topic, live."""
    from eventops.tui.tail import TailPage

    return TailPage(topic)


def events() -> Page:
    """Records for which a condition holds."""
    from eventops.tui.events import EventsPage

    return EventsPage()


def contexts() -> Page:
    """The clusters one can go to."""
    from eventops.tui.contexts import ContextsPage

    return ContextsPage()


def helping(asked_on: DOMNode) -> Screen[Any]:
    """All keys of a screen."""
    from eventops.tui.help import HelpPage

    return HelpPage(asked_on)


def about_group(group: GroupLag) -> Target:
    """What ``t`` and ``d`` mean on a group."""
    from eventops.tui.lag import about

    return about(group)


def about_letter(letter: Letter) -> Target:
    """What ``t`` and ``d`` mean on a letter."""
    from eventops.tui.dlq import about

    return about(letter)
