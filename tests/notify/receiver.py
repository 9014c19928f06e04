"""A web server on loopback that takes notifications, checks their signature, and counts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Receiver:
    """What came: headers and bodies, and how often each id did. `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 204
        self.length = 0
        self.pause = 0.0
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.seen: Counter[str] = Counter()
        self.url = ""

    @property
    def ids(self) -> list[str]:
        """What a receiver that knows repetitions by their id has: each once, in order."""
        return list(self.seen)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        """Note one message; only if its signature is right, where there is one."""
        if "webhook-id" in headers:
            key = base64.b64decode(SECRET.removeprefix("whsec_"))
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
            assert headers["webhook-signature"] == f"v1,{right}"
            self.seen[headers["webhook-id"]] += 1
        self.got.append((headers, body))


@contextmanager
def receiving() -> Iterator[Receiver]:
    """One that runs."""
    found = Receiver()
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            stop.wait(found.pause)
            if found.status < 300:
                found.take({key.lower(): value for key, value in self.headers.items()}, body)
            self.send_response(found.status)
            if 300 <= found.status < 400:
                self.send_header("Location", found.url + "elsewhere")
            self.send_header("Content-Length", str(found.length))
            self.end_headers()
            try:
                self.wfile.write(b"x" * found.length)
            except OSError:
                return

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        server.shutdown()
        thread.join()
        server.server_close()
