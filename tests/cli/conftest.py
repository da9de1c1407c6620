"""The command line as a shell runs it, and as somebody who looks after dead letters does."""

from tests.cli.operator import operator
from tests.cli.running import shell

__all__ = ["operator", "shell"]
