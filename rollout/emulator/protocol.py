"""uvicorn's HTTP protocol with two things more: cutting a connection on demand, and stopping without delay."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class ClosingProtocol(HttpToolsProtocol):
    """Puts `rollout.close` among the extensions of each request: it plays a network fault."""

    def on_headers_complete(self) -> None:
        """Add the extension just before the application is called."""
        extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
        extensions["rollout.close"] = self.transport.abort
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Close an idle connection at once: a polite end of TLS waits for a client that may not be listening."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
        else:
            super().shutdown()
