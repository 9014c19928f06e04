"""uvicorn's HTTP protocol with one thing more: the application can cut the connection (to play a network fault)."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class ClosingProtocol(HttpToolsProtocol):
    """Puts `rollout.close` among the extensions of each request."""

    def on_headers_complete(self) -> None:
        """Add the extension just before the application is called."""
        extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
        extensions["rollout.close"] = self.transport.abort
        super().on_headers_complete()
