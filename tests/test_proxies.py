"""Sessions take the environment's proxies, once looked up, and never the user's netrc. Real servers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from rollout.proxies import Proxies

HERE = "http://nowhere.invalid/x"


class Proxy:
    """Answers for every host, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.asked.append((f"{request.method} {request.raw_path}", request.headers.get("Proxy-Authorization")))
        if request.method == "CONNECT":
            return web.Response(status=403)
        return web.Response(text=request.headers.get("Authorization", "none"))


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy, and its address; the environment has none yet."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    told = Proxy()
    server = RawTestServer(told)
    await server.start_server()
    yield told, f"127.0.0.1:{server.port}"
    await server.close()


async def answer(url: str, session: aiohttp.ClientSession) -> str:
    """The text of one GET that brings its own authorization."""
    async with session.get(url, headers={"Authorization": "Bearer ours"}) as found:
        return await found.text()


async def test_requests_go_through_the_environments_proxy(
    proxy: tuple[Proxy, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain ones whole, others by CONNECT; with the user and password of its address."""
    told, address = proxy
    monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@{address}")
    monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
    async with aiohttp.ClientSession(middlewares=(Proxies(),)) as session:
        assert await answer(HERE, session) == "Bearer ours"
        with pytest.raises(aiohttp.ClientHttpProxyError, match="403"):
            await answer("https://nowhere.invalid/x", session)
    assert told.asked == [(f"GET {HERE}", "Basic bWU6c2VjcmV0"), ("CONNECT nowhere.invalid:443", None)]


async def test_hosts_without_a_proxy_are_reached_directly(
    proxy: tuple[Proxy, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`NO_PROXY` counts, host by host."""
    told, address = proxy
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # nobody is there
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with aiohttp.ClientSession(middlewares=(Proxies(),)) as session:
        assert await answer(f"http://{address}/direct", session) == "Bearer ours"
        with pytest.raises(aiohttp.ClientError):
            await answer(HERE, session)
    assert told.asked == [("GET /direct", None)]


async def test_environment_is_read_once_for_a_host(proxy: tuple[Proxy, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes behind a session's back does not change the way that it goes."""
    told, address = proxy
    monkeypatch.setenv("HTTP_PROXY", f"http://{address}")
    async with aiohttp.ClientSession(middlewares=(Proxies(),)) as session:
        for _ in range(2):
            await answer(HERE, session)
            monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert len(told.asked) == 2


async def test_netrc_is_not_read(proxy: tuple[Proxy, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An entry for every host neither replaces our authorization nor makes the request fail."""
    _, address = proxy
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password theirs\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    async with aiohttp.ClientSession(trust_env=True) as session:
        with pytest.raises(ValueError, match="Cannot combine AUTHORIZATION header"):
            await answer(f"http://{address}/", session)  # what aiohttp does by itself
    async with aiohttp.ClientSession(middlewares=(Proxies(),)) as session:
        assert await answer(f"http://{address}/", session) == "Bearer ours"
        async with session.get(f"http://{address}/") as found:
            assert await found.text() == "none"
