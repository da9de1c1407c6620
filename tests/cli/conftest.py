"""The command line as a shell runs it."""

from tests.cli.running import shell

__all__ = ["shell"]
