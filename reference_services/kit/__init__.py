"""What the three services share: envelope, tracing, retry, dead letters, outbox, runner."""

from __future__ import annotations

import os
from importlib import import_module

# FastAPI imports this, and as it is imported it refuses whatever OTEL_PROPAGATORS names and isn't installed. Nothing
# here uses it (events carry W3C's headers): it shall keep no service from starting. export.py tells it.
_asked = os.environ.pop("OTEL_PROPAGATORS", None)
import_module("opentelemetry.propagate")
if _asked is not None:
    os.environ["OTEL_PROPAGATORS"] = _asked
