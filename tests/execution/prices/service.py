"""A real server on this machine that answers as Yahoo's or Alpaca's data service does, and fails as they do."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

QUOTES = "/v7/finance/quote"
TRADES = "/v2/stocks/trades/latest"
CRUMB = "a.crumb/"
KEY, SECRET = "the-key", "the-secret"


@dataclass(frozen=True)
class Reply:
    """One answer of the data service. `drip` sends a byte now and then; `hang_up` closes before the end."""

    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    drip: bool = False
    hang_up: bool = False


class Service(ThreadingHTTPServer):
    """Gives its replies in their order, and the last one from then on. Notes what it was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[Reply] = []
        self.asked: list[dict[str, str]] = []
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        """The address of the service."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def symbols(self) -> list[list[str]]:
        """The symbols of each request for data."""
        return [sorted(query["symbols"].split(",")) for query in self.asked]

    def next_reply(self) -> Reply:
        """Take the next reply."""
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class _Handler(BaseHTTPRequestHandler):
    server: Service
    HANDSHAKE: ClassVar[dict[str, Reply]] = {
        "/": Reply("", 404, {"Set-Cookie": "A3=d=1; Path=/"}),  # the real one says 404 too
        "/v1/test/getcrumb": Reply(CRUMB),
        "/consent": Reply("<html>nothing to agree to</html>"),
    }

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.server.paths.append(address.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        try:
            self._send(self._reply(address.path, query))
        except OSError:
            return  # the client did not wait for the end

    def _reply(self, path: str, query: dict[str, str]) -> Reply:
        if path not in {QUOTES, TRADES}:
            return self.HANDSHAKE.get(path, Reply("", 404))
        self.server.asked.append(query)
        if path == QUOTES and (query.get("crumb") != CRUMB or "A3=d=1" not in self.headers.get("Cookie", "")):
            return Reply('{"finance":{"result":null,"error":{"code":"Unauthorized"}}}', 401)
        keys = (self.headers.get("APCA-API-KEY-ID"), self.headers.get("APCA-API-SECRET-KEY"))
        if path == TRADES and keys != (KEY, SECRET):
            return Reply('{"message": "forbidden."}', 403)
        return self.server.next_reply()

    def _send(self, reply: Reply) -> None:
        time.sleep(reply.wait)
        content = reply.body.encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) + reply.hang_up))
        self.end_headers()
        for part in [content[n : n + 1] for n in range(len(content))] if reply.drip else [content]:
            self.wfile.write(part)
            time.sleep(0.05 if reply.drip else 0)

    def log_message(self, *_: Any) -> None:
        """Say nothing on stderr."""


@contextmanager
def running() -> Iterator[Service]:
    """Run a service for as long as the block lasts."""
    service = Service()
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()
        thread.join()


def quote(symbol: str, price: object, *, at: float, currency: object = "USD", **more: object) -> dict[str, object]:
    """Return one of Yahoo's quotes, with more in it than anybody asked for."""
    return {
        "language": "en-US",
        "quoteType": "EQUITY",
        "currency": currency,
        "symbol": symbol,
        "regularMarketPrice": price,
        "regularMarketTime": int(at),
        "marketState": "REGULAR",
        "fullExchangeName": "NasdaqGS",
        **more,
    }


def quotes(*given: object, error: object = None) -> Reply:
    """Return Yahoo's answer with some quotes."""
    return Reply(json.dumps({"quoteResponse": {"result": list(given), "error": error}}))


def trade(price: object, *, at: str) -> dict[str, object]:
    """Return one of Alpaca's trades."""
    return {"c": ["@"], "i": 71675, "p": price, "s": 100, "t": at, "x": "V", "z": "C"}


def trades(**by_symbol: object) -> Reply:
    """Return Alpaca's answer; BRK_B stands for BRK.B."""
    return Reply(json.dumps({"trades": {symbol.replace("_", "."): given for symbol, given in by_symbol.items()}}))
