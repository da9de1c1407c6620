"""The four questions about groups that kafka-python has no messages for; it reads their fields from ``schemas``.

Shares are KIP-932, what they have left to deliver KIP-1226 (version 1); ``consumer`` is KIP-848, ``streams`` KIP-1071.
"""

from __future__ import annotations

import types
from typing import Any, Final

from kafka.protocol.api_message import ApiMessage

_SCHEMAS: Final = "eventops.adapters.kafka.wire.schemas"


def _message(name: str) -> Any:
    return types.new_class(name, (ApiMessage,), {"load_json": _SCHEMAS})


ConsumerGroupDescribeRequest: Final = _message("ConsumerGroupDescribeRequest")
ConsumerGroupDescribeResponse: Final = _message("ConsumerGroupDescribeResponse")
ShareGroupDescribeRequest: Final = _message("ShareGroupDescribeRequest")
ShareGroupDescribeResponse: Final = _message("ShareGroupDescribeResponse")
DescribeShareGroupOffsetsRequest: Final = _message("DescribeShareGroupOffsetsRequest")
DescribeShareGroupOffsetsResponse: Final = _message("DescribeShareGroupOffsetsResponse")
StreamsGroupDescribeRequest: Final = _message("StreamsGroupDescribeRequest")
StreamsGroupDescribeResponse: Final = _message("StreamsGroupDescribeResponse")
