"""The lines around every screen: where one is, what is wrong, how to say the same on the command line, which keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.text import Text
from textual.events import Click
from textual.visual import VisualType
from textual.widgets import Static

from eventops.config import Context
from eventops.tui.palette import ACCENT, BAD, FAINT, ODD, WARN, badge
from eventops.wording import UNKNOWN, instant, safe, waited

_ONCE_OLD: Final = 60.0
"""Seconds after which what was asked once is no longer new."""


@dataclass(frozen=True)
class Freshness:
    """How old what is shown is: the oldest answer on the screen counts. ``every`` seconds it is asked anew; None: it
    is asked once."""

    answered_at: datetime | None
    now: datetime
    every: float | None
    is_paused: bool = False
    is_asked: bool = False
    """The operator waits for an answer."""
    is_told: bool = False
    """There was one, and it refused."""

    def text(self, *, narrow: bool) -> Text:
        """The age first, for it is what one reads."""
        line = Text()
        if self.is_paused:
            line.append_text(_paused())
        if self.is_asked:
            line.append("asking …  ", ACCENT)
        if self.answered_at is None:
            return line.append("nothing known yet" if self.is_told else "no answer yet", FAINT)
        seconds = max((self.now - self.answered_at).total_seconds(), 0.0)
        is_old = seconds > (_ONCE_OLD if self.every is None else max(3 * self.every, 5.0))
        line.append(f"{waited(seconds)} old", WARN if is_old else "")
        line.append(f"  {instant(self.answered_at)[11:19]}Z", FAINT)
        if not narrow and not self.is_paused and self.every is not None:
            line.append(f"  every {every(self.every)} s", FAINT)
        return line


def _paused() -> Text:
    return Text.assemble((" PAUSED ", f"bold reverse {ODD}"), "  ")


@dataclass(frozen=True)
class Lasting:
    """What is shown stays as it is; only whether the dashboard asks is told."""

    is_paused: bool = False

    def text(self, *, narrow: bool) -> Text:  # noqa: ARG002 - as of what grows old
        """Nothing, as a rule."""
        return _paused() if self.is_paused else Text()


def every(seconds: float) -> str:
    """
    >>> [every(one) for one in (0.5, 2.0, 2.18, 12.4, 300.0)]
    ['0.5', '2', '2.2', '12', '300']
    """
    return f"{seconds:.1f}".removesuffix(".0") if seconds < 10 else f"{seconds:.0f}"


class Said(Static):
    """Text that is drawn where it changed: each laying out of a screen costs more than its text, and leaves garbage."""

    is_one_line = False
    _before: Text | None = None

    @property
    def told(self) -> str:
        """What stands there."""
        return self._before.plain if self._before is not None else ""

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show it; nothing happens where it stands there already."""
        if isinstance(content, Text):
            if content == self._before and content.style == self._before.style:
                return
            self._before = content.copy()
        super().update(content, layout=layout and not self.is_one_line)


class OneLine(Said):
    """Its size is no matter of what it says."""

    is_one_line = True


class StatusLine(OneLine):
    """The context in its colour, the cluster, when it last answered, whether it may be written to, and what is written
    meanwhile on another screen, to which a click on it leads."""

    _signed: range = range(0)
    """The cells of what is written."""

    def tell(
        self, context: Context, cluster_id: str | None, freshness: Freshness | Lasting, sign: Text | None = None
    ) -> None:
        """Repaint; ``sign``: of what is written."""
        name = badge(context.colour)
        narrow = self.app.size.width < 80
        line = Text.assemble((f" {safe(context.name, 40)} ", name), "  ", no_wrap=True, overflow="ellipsis")
        if context.read_only:
            line.append(" READ-ONLY ", f"bold reverse {WARN}").append("  ")
        first = line.cell_len + 1  # behind the padding
        self._signed = range(first, first + sign.cell_len) if sign is not None else range(0)
        if sign is not None:
            line.append_text(sign).append("  ")
        if not narrow and (sign is None or self.app.size.width >= 120):
            line.append("cluster ", FAINT).append(safe(cluster_id, 36) if cluster_id else UNKNOWN).append("  ")
        line.append_text(freshness.text(narrow=narrow))
        self.update(line)

    async def on_click(self, event: Click) -> None:
        """To what is written."""
        if event.x in self._signed:
            await self.run_action("app.writing")


class Tabs(OneLine):
    """The screens and their keys; the way down from one of them. A click on one leads there."""

    _places: Sequence[tuple[range, str]] = ()

    def tell(self, sections: Sequence[tuple[str, str]], current: str, crumbs: Sequence[str]) -> None:
        """Repaint: where there is no room for all of it, the others' names go first, then they, then the way down."""
        ways = list(crumbs) if len(crumbs) < 2 else ["…", crumbs[-1]]
        told = (
            _tabs(sections, current, crumbs),
            _tabs([(name, title if name == current else "") for name, title in sections], current, crumbs),
            _tabs(sections, current, crumbs, is_alone=True),
            _tabs(sections, current, ways, is_alone=True),
        )
        line = next((line for line in told if line.cell_len <= self.app.size.width), told[-1])
        self._places = _places(line, sections)
        self.update(line)

    async def on_click(self, event: Click) -> None:
        """As the section's key."""
        found = next((name for cells, name in self._places if event.x in cells), None)
        if found is not None:
            await self.run_action(f"app.go({found!r})")


def _places(line: Text, sections: Sequence[tuple[str, str]]) -> list[tuple[range, str]]:
    """Which cells of the line are which section's."""
    found: list[tuple[range, str]] = []
    end = 0
    for number, (name, title) in enumerate(sections, start=1):
        told = next((one for one in (f" {number} {title} ", f" {number} ") if line.plain.startswith(one, end)), None)
        if told is not None:
            found.append((range(end, end + len(told)), name))
            end += len(told)
    return found


def _tabs(sections: Sequence[tuple[str, str]], current: str, crumbs: Sequence[str], *, is_alone: bool = False) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for number, (name, title) in enumerate(sections, start=1):
        told = f" {number} {title} " if title else f" {number} "
        if name == current:
            line.append(told, f"bold reverse {ACCENT}")
        elif not is_alone:
            line.append(told, FAINT)
    for crumb in crumbs:
        line.append(" / ", FAINT).append(safe(crumb, 48))
    return line


class Notice(Said):
    """What is wrong with the figures below; gone when nothing is."""

    def tell(self, trouble: str | None, *, is_bad: bool = True) -> None:
        """Show it, or nothing."""
        self.display = trouble is not None
        if trouble is not None:
            self.update(Text(f"! {trouble}", BAD if is_bad else WARN))


class CommandLine(OneLine):
    """The command that prints what the screen shows."""

    def tell(self, command: str | None) -> None:
        """Repaint."""
        line = (
            Text.assemble(("$ ", FAINT), (safe(command), ""), no_wrap=True, overflow="ellipsis") if command else Text()
        )
        self.update(line)


class Keys(OneLine):
    """The keys of this screen, the most useful first; ``?`` has them all."""

    def tell(self, keys: Sequence[tuple[str, str]], always: Sequence[tuple[str, str]]) -> None:
        """Repaint; where there is no room for all ``keys``, the last of them go: the way to ``always`` stays."""
        room, gap = self.app.size.width - 2, "  " if self.app.size.width < 80 else "   "
        told = (_keys((*keys[:number], *always), gap) for number in range(len(keys), -1, -1))
        line = next((line for line in told if line.cell_len - len(gap) <= room), _keys(always, gap))
        if line.cell_len > room:
            line.right_crop(len(gap))
        self.update(line)


def _keys(keys: Sequence[tuple[str, str]], gap: str) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for key, what in keys:
        line.append(key, f"bold {ACCENT}").append(f" {what}{gap}", FAINT)
    return line
