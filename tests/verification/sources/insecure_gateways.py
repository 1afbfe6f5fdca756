"""SMSC and Mobizon on loopback, each in its own shape, for their adapters alone: they take every
key but one, remember what they sent, and say what a test lays out.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

KEY = "key-of-the-operators-account"


@dataclass
class Gateway:
    """What came, as path and form, and what is answered by the last part of a path.

    says: an answer laid out, instead of the gateway's own. drops: sends, and breaks the connection.
    """

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    sent: dict[str, str] = field(default_factory=dict)
    says: dict[str, bytes] = field(default_factory=dict)
    drops: int = 0

    def lay_out(self, page: str, answer: object) -> None:
        """From now on this page says this."""
        self.says[page] = json.dumps(answer).encode()

    def answer(self, page: str, form: dict[str, str]) -> bytes:
        """What this page says to a form."""
        return self.says.get(page) or json.dumps(self.own(page, form)).encode()

    def own(self, page: str, form: dict[str, str]) -> dict[str, Any]:
        """What the gateway says of itself."""
        raise NotImplementedError


class Smsc(Gateway):
    """`status.php` and `send.php`, by smsc.kz/api/http."""

    def own(self, page: str, form: dict[str, str]) -> dict[str, Any]:
        """An answer of `fmt=3`."""
        if form.get("apikey") != KEY or form.get("fmt") != "3":
            return {"error": "authorise error", "error_code": 2}
        if page == "status.php":
            known = form["id"] in self.sent
            told = {"status": 1 if known else -3, "last_date": "", "last_timestamp": 1764590000}
            return {**told, "flag": 0, "err": 0} if known else told
        self.sent[form["id"]] = form["mes"]
        return {"id": form["id"], "cnt": 2}


class Mobizon(Gateway):
    """`sendSmsMessage`, by mobizon-api-docs."""

    def own(self, page: str, form: dict[str, str]) -> dict[str, Any]:
        """An answer of `output=json`."""
        if form.get("apiKey") != KEY or (form.get("output"), form.get("api")) != ("json", "v1"):
            return {"code": 8, "data": [], "message": "Incorrect login"}
        number = 70_000_000_000 + len(self.sent)
        self.sent[str(number)] = form["text"]
        data = {"campaignId": str(number + 1), "messageId": str(number), "status": 2}
        return {"code": 0, "data": data, "message": ""}


@contextmanager
def serving(gateway: Gateway) -> Iterator[Gateway]:
    """This gateway at an address of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            content = self.rfile.read(length).decode()
            form = {
                name: values[0]
                for name, values in parse_qs(content, keep_blank_values=True).items()
            }
            gateway.asked.append((self.path, form))
            gateway.heads.append(f"{self.requestline}\n{self.headers}")
            body = gateway.answer(self.path.rsplit("/", 1)[-1], form)
            if gateway.drops and not self.path.endswith("status.php"):
                gateway.drops -= 1
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        gateway.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield gateway
        finally:
            server.shutdown()
