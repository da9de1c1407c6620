"""Why a record isn't there: because nothing stands there, or because it may not be read."""

from __future__ import annotations

from eventops.errors import NotPermitted
from eventops.events import Position
from eventops.ports.broker import Broker
from eventops.ports.nouns import NOT_PERMITTED, Range


def refusal(broker: Broker, position: Position) -> NotPermitted | None:
    """Of a record that ``Broker.read`` left out; None: nobody refused it. Asks the broker."""
    told = broker.log_bounds([position.home])
    gaps = list(told.gaps)
    held = told.bounds.get(position.home)
    if held is not None and held.start <= position.offset < held.last_stable:
        for batch in broker.scan([Range(position.home, position.offset, position.offset + 1)]):
            gaps += batch.gaps
    why = next((gap.reason for gap in gaps if gap.reason.startswith(NOT_PERMITTED)), None)
    return None if why is None else NotPermitted(f"{position} may not be read", why.removeprefix("not permitted: "))
