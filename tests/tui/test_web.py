"""``eventops dashboard --web``: on loopback, for who has the address, and for no other page."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import aiohttp
import pytest

from eventops.local import ports
from tests.waiting import wait_until

CROSS_ORIGIN = {"Origin": "https://elsewhere.example"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program, before a broker that isn't there, and the address that it printed."""
    port = ports.any_free(1)[0]
    words = ["-b", "127.0.0.1:1", "dashboard", "--web", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "eventops", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "EVENTOPS_HOME": str(tmp_path)},
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert urlsplit(address).hostname == "127.0.0.1", address
        yield process, address
    finally:
        process.kill()
        process.communicate()


def status(url: str, **headers: str) -> int:
    """Of a request."""
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_only_who_has_the_address_gets_the_page(server: tuple[subprocess.Popen[str], str]) -> None:
    _, address = server
    bare = address.partition("?")[0]
    with urlopen(address, timeout=10) as page:
        assert "eventops" in page.read().decode()
        assert "connect-src 'self' ws://127.0.0.1" in page.headers["Content-Security-Policy"]
        assert "HttpOnly" in page.headers["Set-Cookie"]
        assert "SameSite=Strict" in page.headers["Set-Cookie"]
    for url in (bare, f"{bare}?token=wrong", f"{bare}ws", f"{bare}static/js/textual.js"):
        assert status(url) == 403, url
    assert status(address, Host="rebound.example") == 403, "a name that somebody made to lead here"
    assert status(address, **CROSS_ORIGIN) == 403, "a page of another site"


def test_a_tab_gets_a_dashboard_of_its_own_that_ends_with_the_server(server: tuple[subprocess.Popen[str], str]) -> None:
    process, address = server
    asyncio.run(a_tab(address))
    process.send_signal(signal.SIGINT)
    assert process.wait(20) in (0, 130)
    assert children(process.pid) == []


async def a_tab(address: str) -> None:
    """What a browser does: the page, then its WebSocket with the page's cookie."""
    ws = f"{address.partition('?')[0]}ws?width=100&height=30"
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of a host that is a number
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(address) as page:
            assert page.status == 200
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await browser.ws_connect(ws, headers=CROSS_ORIGIN)
        async with browser.ws_connect(ws) as socket:
            seen = b""
            while b"open letters" not in seen:
                message = await socket.receive(timeout=30)
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                seen += message.data if isinstance(message.data, bytes) else b""
            await socket.send_json(["stdin", "2"])
            while b"caught up in" not in seen:
                message = await socket.receive(timeout=30)
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                seen += message.data if isinstance(message.data, bytes) else b""


def children(pid: int) -> list[int]:
    """Processes that it started and that go on."""
    found = []
    for status_file in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status_file.read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        if f"\nPPid:\t{pid}\n" in text:
            found.append(int(status_file.parent.name))
    return found


def test_a_port_that_is_taken_is_told(server: tuple[subprocess.Popen[str], str]) -> None:
    _, address = server
    port = str(urlsplit(address).port)
    second = subprocess.run(
        [sys.executable, "-m", "eventops", "-b", "127.0.0.1:1", "dashboard", "--web", "--port", port],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 2, second.stderr
    assert "--port" in second.stderr
    wait_until(lambda: status(address) == 200, "the first one goes on")
