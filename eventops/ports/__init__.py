"""What the rooms ask of the outside world: the Broker and TraceStore protocols, and their broker-neutral nouns.

An adapter never returns a made-up figure. What it couldn't read it leaves out of the mapping and names in the
:class:`Gap` list beside it; what the broker can't do at all is missing from its ``capabilities``.
"""

from eventops.ports.broker import Broker, Capability
from eventops.ports.nouns import (
    COMMITTING,
    SHARE,
    Batch,
    Bounds,
    Cluster,
    Committed,
    Coverage,
    Gap,
    Group,
    Groups,
    Head,
    Isolation,
    LogBounds,
    Member,
    Placement,
    Plain,
    Range,
    Scanned,
    ShareProgress,
    Topic,
)
from eventops.ports.searching import PLAINLY, Engine, Findings, Manner, Sought
from eventops.ports.spans import SpanLink, StoredSpan, TraceStore
from eventops.ports.writing import (
    Appended,
    Fenced,
    IsStopped,
    Outgoing,
    Rejected,
    TransactionalProducer,
    TransactionLost,
    never,
)

__all__ = [
    "COMMITTING",
    "PLAINLY",
    "SHARE",
    "Appended",
    "Batch",
    "Bounds",
    "Broker",
    "Capability",
    "Cluster",
    "Committed",
    "Coverage",
    "Engine",
    "Fenced",
    "Findings",
    "Gap",
    "Group",
    "Groups",
    "Head",
    "IsStopped",
    "Isolation",
    "LogBounds",
    "Manner",
    "Member",
    "Outgoing",
    "Placement",
    "Plain",
    "Range",
    "Rejected",
    "Scanned",
    "ShareProgress",
    "Sought",
    "SpanLink",
    "StoredSpan",
    "Topic",
    "TraceStore",
    "TransactionLost",
    "TransactionalProducer",
    "never",
]
