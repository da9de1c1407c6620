"""``python -m reference_services.traffic``: real requests at a steady rate, progress on stderr, a summary on stdout."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from threading import Event as Flag

import httpx

from reference_services.kit import clients
from reference_services.kit.settings import InvalidSetting, read_settings
from reference_services.traffic.driver import Driver
from reference_services.traffic.mishaps import Mishaps
from reference_services.traffic.plan import plan, well_formed

PROGRESS_SECONDS = 5.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m reference_services.traffic", description=__doc__)
    parser.add_argument("--users", required=True, metavar="URL", help="the user-service")
    parser.add_argument("--orders", required=True, metavar="URL", help="the order-service")
    parser.add_argument("--mail", required=True, metavar="URL", help="the mail server's control")
    parser.add_argument("--bootstrap-servers", required=True, metavar="HOST:PORT")
    parser.add_argument("--rate", type=float, default=10.0, help="requests a second (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same requests (default: 1)")
    parser.add_argument("--duration", type=float, default=None, metavar="SECONDS", help="default: until stopped")
    parser.add_argument("--no-failures", action="store_true", help="no mishap of the mail server, no malformed event")
    arguments = parser.parse_args()
    if arguments.rate <= 0 or (arguments.duration is not None and arguments.duration <= 0):
        parser.error("--rate and --duration must be more than 0")
    return arguments


def drive(driver: Driver, mishaps: Mishaps | None, arguments: argparse.Namespace, stop: Flag) -> None:
    """Do the plan's steps at the rate, until the time is over or ``stop``; what is late is not caught up in a burst."""
    began = due = reported = time.monotonic()
    steps = plan(arguments.seed, run=f"{time.time_ns() // 10**6 & 0xFFFFFF:06x}")
    for step in steps if mishaps else well_formed(steps):
        now = time.monotonic()
        if stop.is_set() or (arguments.duration is not None and now - began >= arguments.duration):
            return
        if mishaps:
            mishaps.cause_what_is_due(now - began)
        driver.do(step)
        if now - reported >= PROGRESS_SECONDS:
            reported = now
            print(json.dumps({"seconds": round(now - began), **driver.tally.summary()}), file=sys.stderr, flush=True)
        due = max(due + 1 / arguments.rate, now)
        stop.wait(max(0.0, due - time.monotonic()))


def main() -> int:
    """0 done or stopped, 2 wrong configuration."""
    arguments = _arguments()
    stop = Flag()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = read_settings("traffic", {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": arguments.bootstrap_servers})
    except InvalidSetting as error:
        print(f"traffic: {error}", file=sys.stderr)
        return 2
    producer = clients.producer(settings)
    with httpx.Client(timeout=5.0) as http:
        driver = Driver(arguments.users, arguments.orders, http, producer, settings.topic("user-events"), stop)
        mishaps = None if arguments.no_failures else Mishaps(arguments.mail, http, arguments.duration)
        drive(driver, mishaps, arguments, stop)
        producer.flush(5)
    print(json.dumps(driver.tally.summary()), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
