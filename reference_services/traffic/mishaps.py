"""The mail server's mishaps: it refuses a domain from the start, and is away for some seconds now and then."""

from __future__ import annotations

import json
import sys

import httpx

from reference_services.traffic.plan import REFUSED_DOMAIN

OUTAGE_SECONDS = 6.0
FIRST_OUTAGE_SECONDS = 20.0
OUTAGES_APART_SECONDS = 180.0


def first_outage(duration: float | None) -> float:
    """Seconds from the start: a third into the run, and early in one without an end.

    >>> first_outage(30), first_outage(60), first_outage(600), first_outage(None)
    (10.0, 20.0, 20.0, 20.0)
    """
    return FIRST_OUTAGE_SECONDS if duration is None else min(duration / 3, FIRST_OUTAGE_SECONDS)


class Mishaps:
    """Causes each mishap when its time has come; ``mail`` is the URL of the mail server's control."""

    def __init__(self, mail: str, http: httpx.Client, duration: float | None) -> None:
        self._mail = mail.rstrip("/")
        self._http = http
        self._next_outage = first_outage(duration)
        self._refusing = False

    def cause_what_is_due(self, elapsed: float) -> None:
        """``elapsed`` is in seconds since the start."""
        if not self._refusing:
            self._refusing = self._tell("refuse", {"pattern": f"*@{REFUSED_DOMAIN}"})
        if elapsed >= self._next_outage:
            self._next_outage += OUTAGES_APART_SECONDS
            self._tell("outage", {"seconds": OUTAGE_SECONDS})

    def _tell(self, what: str, body: dict[str, object]) -> bool:
        """False: the mail server's control isn't there; the traffic goes on without the mishap."""
        try:
            self._http.post(f"{self._mail}/{what}", json=body).raise_for_status()
        except httpx.HTTPError as error:
            print(json.dumps({"mishap": what, "error": str(error)}), file=sys.stderr, flush=True)
            return False
        print(json.dumps({"mishap": what, **body}), file=sys.stderr, flush=True)
        return True
