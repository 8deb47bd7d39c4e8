"""A server on the loopback that gives recorded answers of Wonde's interface, and breaks when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN = "t0ken-of-nobody"
SCHOOL = "A1930499544"


def day(text: str) -> dict[str, object]:
    return {"date": f"{text} 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"}


def student(key: str, upn: str, surname: str = "Plum") -> dict[str, Any]:
    return {
        "id": key, "upi": f"u{key}", "mis_id": key[1:], "surname": surname, "forename": "Ada", "legal_surname": surname,
        "legal_forename": "Ada", "gender": "FEMALE", "date_of_birth": day("2012-03-04"),
        "education_details": {"data": {"upn": upn, "current_nc_year": "7", "admission_date": day("2023-09-01"),
                                       "leaving_date": None}},
        "extended_details": {"data": {"free_school_meals": False, "sen_status": "N"}},
    }  # fmt: skip


def mark(key: str, pupil: str, on: str, session: str, code: str) -> dict[str, Any]:
    return {"id": key, "student": pupil, "date": day(on), "session": session, "attendance_code": code}


# Kinds of trouble that stand in place of an answer, in the order they are to come.
BREAK = "the connection is closed in the middle of the answer"


@dataclass
class Recorded:
    """What the server will say. `lists` are records by path; `trouble` is taken first, by path and page.

    A list is answered in pages of `per_page` records, whatever the caller asks for.
    """

    lists: dict[str, list[dict[str, Any]] | dict[str, Any]]
    trouble: dict[tuple[str, int], list[Any]] = field(default_factory=dict)
    per_page: int = 2
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    seen_tokens: set[str | None] = field(default_factory=set)
    next_host: str = ""
    url: str = ""

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], bytes] | str:
        page = int(query.get("page", "1"))
        waiting = self.trouble.get((path, page), [])
        if waiting:
            trouble = waiting.pop(0)
            if trouble == BREAK:
                return BREAK
            status, headers, body = trouble
            return status, headers, json.dumps(body).encode()
        if path not in self.lists:
            return 404, {}, b'{"error": "not_found"}'
        records = self.lists[path]
        if isinstance(records, dict):
            return 200, {}, json.dumps({"data": records}).encode()
        first = (page - 1) * self.per_page
        more = first + self.per_page < len(records)
        kept = "".join(f"&{k}={v.replace(' ', '%20')}" for k, v in query.items() if k != "page")
        following = f"{self.next_host or self.url}/{path}?page={page + 1}{kept}" if more else None
        body = {
            "data": records[first : first + self.per_page],
            "meta": {"pagination": {"next": following, "more": more, "current_page": page}},
        }
        return 200, {}, json.dumps(body).encode()


@contextmanager
def serving(recorded: Recorded) -> Iterator[Recorded]:
    """The server, for as long as the block runs; its address is `recorded.url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = urlsplit(self.path)
            path, query = where.path.removeprefix("/v1.0/"), dict(parse_qsl(where.query))
            recorded.asked.append((path, query))
            recorded.seen_tokens.add(self.headers.get("Authorization"))
            told = recorded.answer(path, query)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                told = 401, {}, b'{"error": "invalid_token"}'
            if isinstance(told, str):
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"data": [')
                self.close_connection = True
                return
            status, headers, body = told
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    recorded.url = f"http://127.0.0.1:{server.server_port}/v1.0"
    try:
        yield recorded
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
