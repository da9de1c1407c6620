"""Which cluster? The contexts of the configuration, each in its colour; Enter goes to another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text
from textual.events import ScreenResume
from textual.widget import Widget

from eventops.config import ConfigurationError, Context
from eventops.tui.page import Page
from eventops.tui.palette import FAINT, WARN, badge
from eventops.tui.widgets.table import Column, Table
from eventops.wording import UNKNOWN, safe

_COLUMNS: Final = (
    Column[Context](
        "context",
        lambda row: Text(f" {safe(row.name, 40)} ", badge(row.colour)),
        order=lambda row: row.name.casefold(),
    ),
    Column[Context]("servers", lambda row: row.bootstrap_servers or UNKNOWN, is_flexible=True),
    Column[Context]("writing", lambda row: Text("READ-ONLY", WARN) if row.read_only else Text("allowed", FAINT)),
    Column[Context]("security", lambda row: row.properties.get("security.protocol", "plaintext"), from_width=90),
)


class ContextsPage(Page):
    """All of them."""

    section = "context"
    keys = (("Enter", "go there"), ("Esc", "back"))
    _trouble: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return ("context", "list")

    @property
    def command(self) -> str:
        """It asks no cluster."""
        return "eventops context list"

    @property
    def crumbs(self) -> tuple[str, ...]:
        """It has no number."""
        return ("contexts",)

    @property
    def freshness(self) -> None:
        """What is shown is no answer of the cluster's."""
        return None

    def body(self) -> Iterator[Widget]:
        """One table."""
        yield Table(
            "Contexts",
            _COLUMNS,
            lambda row: row.name,
            empty="No context is configured; `eventops context add NAME -b HOST:PORT` adds one.",
            name="contexts",
            is_timely=False,
        )

    def paint(self) -> None:
        """As the file has them when the screen is opened."""

    def on_screen_resume(self, _event: ScreenResume) -> None:
        """Read the file: it may have changed."""
        self._read()

    def ask_again(self) -> None:
        """Read it once more."""
        self._read()
        self.refresh_all()
        self.notify("the configuration was read again")

    def _read(self) -> None:
        try:
            found = self.shell.contexts()
        except ConfigurationError as error:
            found, self._trouble = [], str(error)
        else:
            self._trouble = None
        here = self.shell.desk.context.name
        self.query_one(Table).show(found, note=f"at {safe(here, 40)}")

    def trouble(self) -> str | None:
        """Why there are none."""
        return None if self._trouble is None else safe(self._trouble)

    async def on_table_chosen(self, message: Table.Chosen) -> None:
        """There."""
        await self.shell.go_to(message.row)
