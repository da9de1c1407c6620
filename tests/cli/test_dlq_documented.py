"""Every option of the dead-letter commands says what it does, and stands in the reference."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from eventops.cli.dlq import dlq
from tests.cli.running import ROOT

EVERY_COMMANDS = {"--output", "--bootstrap-servers", "--context", "-X"}
REFERENCE = (ROOT / "docs/reference/dead-letters.md").read_text(encoding="utf-8")


def commands(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}".strip(), command


ALL = dict(commands(dlq))


@pytest.mark.parametrize("name", ALL)
def test_a_command_has_help_and_an_example(name: str) -> None:
    command = ALL[name]
    assert command.help
    assert command.epilog, name
    assert f"eventops dlq {name.removesuffix(' list')}" in command.epilog


@pytest.mark.parametrize("name", ALL)
def test_every_option_has_help_and_is_in_the_reference(name: str) -> None:
    for option in ALL[name].params:
        long = max(option.opts, key=len)
        if isinstance(option, click.Option) and long not in EVERY_COMMANDS:
            assert option.help, f"{name} {long}"
            assert long in REFERENCE, f"{name} {long} isn't in docs/reference/dead-letters.md"
