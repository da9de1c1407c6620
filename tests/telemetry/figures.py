"""What Prometheus would read."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Mapping

Series = tuple[Mapping[str, str], float]


class Figures:
    """Prometheus' text, asked anew whenever a figure is looked for."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def text(self) -> str:
        """All of it."""
        with urllib.request.urlopen(self._url, timeout=10) as answer:
            return str(answer.read().decode())

    def of(self, name: str, **labels: str) -> list[Series]:
        """Series of that name that have at least these labels."""
        found = [_series(line) for line in self.text.splitlines() if re.match(rf"{name}[{{ ]", line)]
        return [series for series in found if labels.items() <= series[0].items()]

    def sum(self, name: str, **labels: str) -> float:
        """Over all series with these labels."""
        return sum(value for _, value in self.of(name, **labels))


def _series(line: str) -> Series:
    _, _, rest = line.partition("{")
    labels, _, value = rest.rpartition("} ") if rest else ("", "", line.split()[1])
    return dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)
