"""Every error eventops raises on purpose, and the exit code each one means.

    EventopsError                     1   a sentence for people, with its remedy
    ├── UsageError                    2   the call or the configuration is wrong
    │   └── ProvisioningError         2   the local Kafka can't be set up here (no Java, no network, no space)
    ├── BrokerUnreachable             3   nobody answers, or not in time
    ├── NotPermitted                  4   ACL, credentials or a read-only context forbid it
    │   └── GroupInUse                4   a group with members keeps its offsets to itself
    ├── StoreUnavailable              3   the trace store doesn't answer (most answers go on without it)
    └── Unsupported                   2   this broker can't do it, and says so

A finding (letters remaining, nothing found) is no error: commands answer it with exit code 1 and print their report.
A partial answer is no error either: the report's coverage names the gaps, and the command ends with 5.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says when it ends; a contract with scripts and probes."""

    DONE = 0
    FINDING = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_PERMITTED = 4
    PARTIAL = 5
    INTERRUPTED = 130


class EventopsError(Exception):
    """One clear sentence, and what to do about it.

    >>> str(EventopsError("port 9092 is taken", remedy="choose another with --port"))
    'port 9092 is taken: choose another with --port'
    """

    exit_code: ExitCode = ExitCode.FINDING

    def __init__(self, what: str, remedy: str | None = None) -> None:
        super().__init__(what if remedy is None else f"{what}: {remedy}")
        self.what = what
        self.remedy = remedy


def reason_of(error: BaseException) -> str:
    """The sentence for people; what nobody raised on purpose is called what it is.

    >>> reason_of(EventopsError("no topic", remedy="make one")), reason_of(KeyError("x"))
    ('no topic: make one', "a defect of eventops itself: KeyError: 'x'")
    """
    if isinstance(error, EventopsError):
        return str(error)
    return f"a defect of eventops itself: {type(error).__name__}: {error}"


class UsageError(EventopsError):
    """The call or the configuration is wrong; nothing was asked of a broker."""

    exit_code = ExitCode.USAGE


class ProvisioningError(UsageError):
    """The local Kafka can't be set up on this machine."""


class Unsupported(UsageError):
    """This broker can't do what was asked, whoever asks."""


class BrokerUnreachable(EventopsError):
    """Nobody answers at the bootstrap servers, or not within the deadline."""

    exit_code = ExitCode.UNREACHABLE


class StoreUnavailable(EventopsError):
    """The trace store that the context names doesn't answer, or not as such a store does."""

    exit_code = ExitCode.UNREACHABLE


class NotPermitted(EventopsError):
    """The broker's ACLs, the credentials or a read-only context forbid it."""

    exit_code = ExitCode.NOT_PERMITTED


class GroupInUse(NotPermitted):
    """The group has members, and a broker takes offsets of theirs alone."""
