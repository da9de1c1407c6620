"""Kafka's jars: named with their checksums in ``kafka.lock``, fetched with jgo, whole or not there at all.

jgo is given a directory aside as its repository, so that a broken download never reaches Maven's own cache; what that
cache holds already is read, and must carry the right checksum like everything else. Repositories, proxies and
certificates are those that jgo's and Maven's settings files and the environment configure.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eventops.errors import ProvisioningError
from eventops.local import mirror
from eventops.local.disk import directory_aside, refusal, writing
from eventops.local.model import KAFKA_VERSION, Progress

ENDPOINT: Final = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:2.0.17"
_LOCK: Final = Path(__file__).with_name("kafka.lock")
_READ_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class LockedJar:
    """One file of Kafka's class path, known by its content."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


Fetch = Callable[[LockedJar, Path], Path]
"""``(jar, directory to download into)`` -> a file that claims to be that jar."""


def locked_jars() -> tuple[LockedJar, ...]:
    """The class path, as ``python -m eventops.local.renew_lock`` wrote it down."""
    return tuple(_locked(line) for line in _LOCK.read_text(encoding="utf-8").splitlines() if line)


def _locked(line: str) -> LockedJar:
    checksum, coordinate = line.split()
    group, artifact, version = coordinate.split(":")
    return LockedJar(group, artifact, version, checksum)


def are_there(libs: Path) -> bool:
    """Whether every jar is in place; the directory was renamed there as a whole, so names say enough."""
    try:
        names = {path.name for path in libs.iterdir()}
    except OSError:
        return False
    return names >= {jar.filename for jar in locked_jars()}


def install(libs: Path, progress: Progress, fetch: Fetch | None = None) -> None:
    """Fetch every jar aside, check each, then rename the directory into place.

    Raises:
        ProvisioningError: no jgo, no network, a download that isn't what the lock names, or a disk that refuses.
    """
    fetch = fetch or jgo_fetch()
    jars = locked_jars()
    with writing(libs), directory_aside(libs) as aside:
        downloads = aside / "repository"
        for number, jar in enumerate(jars, start=1):
            if number == 1 or number % 15 == 0:
                progress(f"fetching Apache Kafka {KAFKA_VERSION}: {number} of {len(jars)} jars")
            shutil.copyfile(_checked(jar, downloads, fetch), aside / jar.filename)
        shutil.rmtree(downloads, ignore_errors=True)


def jgo_fetch() -> Fetch:
    """jgo as the environment configures it: its settings file, Maven's mirror, ``M2_REPO``, proxies, certificates.

    Raises:
        ProvisioningError: the extra isn't installed.
    """
    try:
        from jgo.config import GlobalSettings
        from jgo.maven import MavenContext
    except ImportError as error:
        raise ProvisioningError("Kafka's jars are fetched with jgo", "pip install 'eventops[local]'") from error
    logging.getLogger("jgo").addHandler(logging.NullHandler())
    settings = GlobalSettings.load()
    central = mirror.of_central()
    repositories = {**({"central": central} if central else {}), **settings.repositories}

    def fetch(jar: LockedJar, into: Path) -> Path:
        context = MavenContext(repo_cache=into, local_repos=[settings.repo_cache], timeout=_READ_SECONDS)
        context.remote_repos.update(repositories)
        return _resolved(context, jar)

    return fetch


def _resolved(context: Any, jar: LockedJar) -> Path:
    import requests

    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    cached: Path = context.local_repos[0] / artifact.component.path_prefix / artifact.cached_filename
    if cached.exists() and _sha256(cached) != jar.sha256:
        context.local_repos = []
    try:
        return Path(artifact.resolve())
    except requests.RequestException as error:
        raise _unreachable(jar, error) from error
    except RuntimeError as error:
        raise ProvisioningError(
            f"no Maven repository has {jar.filename}",
            "check the [repositories] of jgo's settings file, or try again later",
        ) from error


def _unreachable(jar: LockedJar, error: Exception) -> ProvisioningError:
    remedy = "connect this machine, or set HTTPS_PROXY; once fetched, no network is needed"
    kind = type(error).__name__
    if kind in ("ChunkedEncodingError", "ContentDecodingError"):
        return ProvisioningError(f"the download of {jar.filename} broke off ({kind})", "try again")
    return ProvisioningError(f"{jar.filename} can't be fetched, no Maven repository answers ({kind})", remedy)


def _checked(jar: LockedJar, downloads: Path, fetch: Fetch) -> Path:
    """The fetched file, once its content is what the lock names."""
    path = fetch(jar, downloads)
    try:
        found = _sha256(path)
    except OSError as error:
        raise refusal(error, path) from error
    if found != jar.sha256:
        raise ProvisioningError(
            f"the download of {jar.filename} is broken or was changed on its way (SHA-256 {found[:12]}… instead of "
            f"{jar.sha256[:12]}…)",
            "try again; if it stays so, ask who runs the repository or proxy",
        )
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
