"""JSON over HTTP, as the trace stores speak it: a bounded answer within a bounded time. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

from eventops.errors import StoreUnavailable

TIMEOUT: Final = 3.0
_MOST: Final = 64_000_000
_REFUSED: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class Answer:
    """``document`` is None where the body isn't JSON (a page for people, say)."""

    status: int
    document: Any


@dataclass(frozen=True, slots=True)
class JsonClient:
    """Asks one server; ``base`` may have a path of its own, ``name`` is for people."""

    name: str
    base: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = TIMEOUT

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Any answer, whatever its status, is one.

        Raises:
            StoreUnavailable: nobody answers in time, the answer has no end, or the credentials are refused.
        """
        url = self.base.rstrip("/") + quote(path) + (f"?{urlencode(query)}" if query else "")
        if urlsplit(url).scheme not in ("http", "https"):
            raise StoreUnavailable(f"{self.base!r} is no http or https address", remedy="correct it in the context")
        request = Request(url, headers={"Accept": "application/json", **self.headers})  # noqa: S310 - checked above
        try:
            with urlopen(request, timeout=self.timeout) as response:  # noqa: S310 - checked above
                return Answer(response.status, _document(self.name, response.read(_MOST + 1)))
        except HTTPError as error:
            with error:
                if error.code in _REFUSED:
                    raise StoreUnavailable(
                        f"{self.name} refuses the credentials ({error.code})", remedy="set eventops.traces-token"
                    ) from error
                return Answer(error.code, _document(self.name, error.read(_MOST + 1)))
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise StoreUnavailable(f"{self.name} doesn't answer ({reason})") from error


def _document(name: str, body: bytes) -> Any:
    if len(body) > _MOST:
        raise StoreUnavailable(f"{name} answers with more than {_MOST // 1_000_000} MB", remedy="narrow the window")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
