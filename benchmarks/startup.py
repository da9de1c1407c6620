"""What it costs to start: ``python -m benchmarks.startup``.

CPU seconds (user and system) of whole processes, best of some runs, against the floor in the same run: a Python that
imports click and ends. The bar: ``eventops --help`` stays under 0.3 s.
"""

from __future__ import annotations

import resource
import subprocess
import sys

RUNS = 7
FLOOR = ("-c", "import click")
COMMANDS = {
    "eventops --help": ("-m", "eventops", "--help"),
    "eventops lag --help": ("-m", "eventops", "lag", "--help"),
    "eventops local install --quiet": ("-m", "eventops", "local", "install", "--quiet"),
    "eventops context list": ("-m", "eventops", "context", "list"),
}


def cpu_seconds(words: tuple[str, ...]) -> float:
    """The best of some runs."""
    return min(_once(words) for _ in range(RUNS))


def _once(words: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a line a command."""
    floor = cpu_seconds(FLOOR)
    print(f"{'import click (the floor)':34} {floor:6.3f} s")
    for name, words in COMMANDS.items():
        seconds = cpu_seconds(words)
        print(f"{name:34} {seconds:6.3f} s  {seconds / floor:5.1f} x the floor")


if __name__ == "__main__":
    main()
