"""Renews ``kafka.lock``: ``python -m eventops.local.renew_lock > eventops/local/kafka.lock`` after a new Kafka version.

Resolves the class path with jgo and writes each jar's coordinate with its checksum.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator


def lines() -> Iterator[str]:
    import jgo

    from eventops.local.jars import ENDPOINT

    for artifact in sorted(jgo.resolve(ENDPOINT), key=lambda found: (found.groupId, found.artifactId)):
        checksum = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
        yield f"{checksum}  {artifact.groupId}:{artifact.artifactId}:{artifact.version}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines())
