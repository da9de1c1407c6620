"""The palette: every command with every name it takes, and every key of the screen, found by a few letters of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from eventops.tui.commands import NAMES
from eventops.tui.help import bindings
from eventops.wording import safe

if TYPE_CHECKING:
    from eventops.tui.app import Dashboard

_MOST: Final = 2000
"""Names of one kind that are looked through."""
_SAID: Final = 0.5
"""What a match in the words beside a name weighs."""


@dataclass(frozen=True)
class Entry:
    """What can be chosen: ``command`` as after ``:``, else ``action`` as a key does it."""

    text: str
    what: str
    command: str | None = None
    action: str | None = None


class Everything(Provider):
    """Commands, names, keys."""

    @property
    def shell(self) -> Dashboard:
        """The app."""
        return cast("Dashboard", self.app)

    async def discover(self) -> Hits:
        """Before anything is typed: what there is, without the names."""
        for entry in self._entries(with_names=False):
            yield DiscoveryHit(entry.text, partial(self._choose, entry), help=entry.what)

    async def search(self, query: str) -> Hits:
        """What has these letters in this order, in its name or, after those, in what is said of it."""
        matcher = self.matcher(query)
        for entry in self._entries(with_names=True):
            score, meant = matcher.match(entry.text), matcher.match(entry.what) * _SAID
            if max(score, meant) > 0:
                shown = matcher.highlight(entry.text) if score else entry.text
                yield Hit(max(score, meant), shown, partial(self._choose, entry), help=entry.what)

    async def _choose(self, entry: Entry) -> None:
        if entry.command is not None:
            await self.shell.carry_out(entry.command)
        elif entry.action is not None:
            await self.shell.run_action(entry.action, self.screen)

    def _entries(self, *, with_names: bool) -> Iterator[Entry]:
        for name, what in NAMES.items():
            yield Entry(f":{name}", what, command=name)
        for kind in (type(self.screen), type(self.app)):
            for binding in bindings(kind):
                if binding.action.partition("(")[0] not in ("go", "prompt", "quit", "help"):
                    home = "app." if kind is type(self.app) else "screen."
                    yield Entry(binding.description, f"key {binding.key}", action=home + binding.action)
        if with_names:
            for name, found in self.shell.names().items():
                for one in found[:_MOST]:
                    yield Entry(f":{name} {safe(one, 100)}", NAMES[name], command=f"{name} {one}")


def provider() -> type[Provider]:
    """For the app, which has to name it before anybody opens the palette."""
    return Everything
