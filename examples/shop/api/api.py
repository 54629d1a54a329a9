"""The shop's orders: a small HTTP API that keeps them in SQLite. The contract is in ../README.md."""

import json
import signal
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DATA = "/data"
FIELDS = ("item", "qty", "price_cents", "total_cents")
BODY_LIMIT_BYTES = 16 << 10


class Orders:
    """The orders on disk. Thread-safe."""

    def __init__(self, folder):
        self.lock = threading.Lock()
        self.ledger = folder + "/ledger"
        self.db = sqlite3.connect(folder + "/orders.db", check_same_thread=False)
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " item TEXT NOT NULL, qty INTEGER NOT NULL, price_cents INTEGER NOT NULL,"
            " total_cents INTEGER NOT NULL)"
        )

    def add(self, order):
        values = [order[field] for field in FIELDS]
        with self.lock, self.db:
            cursor = self.db.execute(
                "INSERT INTO orders (item, qty, price_cents, total_cents) VALUES (?, ?, ?, ?)", values
            )
            with open(self.ledger, "a", encoding="ascii") as ledger:
                ledger.write(f"{cursor.lastrowid} {order['total_cents']}\n")
        return {"id": cursor.lastrowid, **{field: order[field] for field in FIELDS}}

    def all(self):
        with self.lock:
            rows = self.db.execute("SELECT id, item, qty, price_cents, total_cents FROM orders ORDER BY id")
            return [dict(zip(("id",) + FIELDS, row)) for row in rows]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    orders = None

    def do_GET(self):
        if self.path == "/healthz":
            self.answer(200, {"status": "ok"})
        elif self.path == "/orders":
            self.answer(200, self.orders.all())
        else:
            self.answer(404, {"error": "there is only /orders"})

    def do_POST(self):
        body = self.read_body()
        if body is None:
            return
        try:
            order = json.loads(body)
            kinds = (str, int, int, int)
            if not all(isinstance(order[field], kind) for field, kind in zip(FIELDS, kinds)):
                raise TypeError("a field has the wrong type")
        except (ValueError, KeyError, TypeError) as problem:
            self.answer(400, {"error": f"not an order: {problem}"})
            return
        self.answer(201, self.orders.add(order))

    def read_body(self):
        """The request's body, with a length or in chunks; None when it was refused."""
        if self.path != "/orders":
            self.close_connection = True
            self.answer(404, {"error": "there is only /orders"})
            return None
        body = b""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline(64).split(b";")[0], 16):
                if len(body) + size > BODY_LIMIT_BYTES:
                    break
                body += self.rfile.read(size)
                self.rfile.readline(64)
            else:
                self.rfile.readline(64)
                return body
        else:
            size = int(self.headers.get("content-length", 0))
            if size <= BODY_LIMIT_BYTES:
                return self.rfile.read(size)
        self.close_connection = True
        self.answer(413, {"error": "an order has at most 16 KiB"})
        return None

    def answer(self, status, value):
        body = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, text, *values):
        print(self.address_string(), text % values, flush=True)


def main():
    Handler.orders = Orders(DATA)
    server = ThreadingHTTPServer(("", 8080), Handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"keeping orders in {DATA}, listening on 8080", flush=True)
    server.serve_forever()


main()
