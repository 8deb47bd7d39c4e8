"""Wonde's interface over the network: one page of records at a time, with patience and within limits.

The token goes into one header, to one host, and nowhere else: it is in no address, no sentence and no log. An address
for the next page, or a redirect, that leads to another host is refused. Nothing here writes to disk.
Source: Wonde's public documentation of its school data interface; that it slows callers down with status 429 is usual
and not written there.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sightline.vocabulary.errors import BadSetting, Unreachable

DOMAIN: Final = "api.wonde.com"  # of the UK; each other region has its own
PER_PAGE: Final = 200  # the most that is known to be answered
LARGEST: Final = 64 * 2**20  # bytes of one page
TRIES: Final = 6
LONGEST_PAUSE: Final = 120.0  # seconds, also where the service asks for more
TIMEOUT: Final = 60.0
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_BUSY: Final = (408, 425, 429, 500, 502, 503, 504)
# What a broken line looks like. A refused name or certificate is an URLError too and is tried again like the others.
_BROKEN: Final = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)


class Refused(Unreachable):
    """The service will not give this. `status` is its answer (401, 403, 404, 422, ...), 0 where we refuse what came."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(says)
        self.status = status


@dataclass(slots=True)
class Client:
    """One caller of the interface at `base`. `pause` waits some seconds; tests give one that does not.

    Raises BadSetting for a token that cannot be one, and for an address that is neither https nor this machine.
    """

    base: str
    token: str = field(repr=False)
    pause: Callable[[float], None] = time.sleep
    asked: int = 0

    def __post_init__(self) -> None:
        self.base = self.base.rstrip("/") + "/"
        where = urllib.parse.urlsplit(self.base)
        if where.scheme != "https" and not (where.scheme == "http" and where.hostname in _LOOPBACK):
            raise BadSetting("The address of Wonde's interface begins with https://, as in https://api.wonde.com/v1.0.")
        if not self.token or not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            raise BadSetting("The token is empty, or holds a space or a character that no token has.")

    def address(self, path: str, parameters: Mapping[str, str]) -> str:
        """The first page of a list of records."""
        return f"{self.base}{path}?{urllib.parse.urlencode({'per_page': str(PER_PAGE), **parameters})}"

    def page(self, address: str) -> dict[str, Any]:
        """One page, as JSON. A busy service and a broken line are tried again, six times in all, ever more slowly.

        Raises Refused for an answer that will not change, Unreachable when the patience ends.
        """
        self._within(address)
        why, wait = "", 0.0
        for attempt in range(TRIES):
            if attempt:
                self.pause(wait)
            wait = min(2.0**attempt, LONGEST_PAUSE)
            try:
                return self._asked(address)
            except urllib.error.HTTPError as answer:
                with answer:
                    if answer.code not in _BUSY:
                        raise _refusal(answer) from None
                    why = f"it answers {answer.code}"
                    wait = min(max(wait, _asked_to_wait(answer)), LONGEST_PAUSE)
            except _BROKEN as error:
                why = f"the line broke ({type(error).__name__})"
            except ValueError:
                why = "its answer was cut short"
        raise Unreachable(
            f"Wonde could not be asked: {why}, {TRIES} times. What was received is kept; "
            "run the same command later to go on."
        )

    def after(self, page: Mapping[str, Any], address: str) -> str | None:
        """The address of the page after this one, or None. Raises Refused when it leads anywhere else."""
        meta = page.get("meta")
        pagination = meta.get("pagination") if isinstance(meta, dict) else None
        following = pagination.get("next") if isinstance(pagination, dict) else None
        if not following:
            return None
        following = urllib.parse.urljoin(address, str(following))
        self._within(following)
        if following == address:
            raise Refused(0, "Wonde names a page as the one after itself, so the list has no end. Nothing was changed.")
        return following

    def _within(self, address: str) -> None:
        ours, theirs = urllib.parse.urlsplit(self.base), urllib.parse.urlsplit(address)
        if (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc) or not theirs.path.startswith(ours.path):
            raise Refused(0, "Wonde's answer leads to another address than its own, where the token must not go.")

    def _asked(self, address: str) -> dict[str, Any]:
        self.asked += 1
        # `_within` has seen that the address is our own service's: https, or this machine.
        headers = {"Accept": "application/json", "User-Agent": "sightline"}
        request = urllib.request.Request(address, headers=headers)  # noqa: S310
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        with _opener(self.base).open(request, timeout=TIMEOUT) as response:
            content = response.read(LARGEST + 1)
            promised = response.headers.get("Content-Length")
        if len(content) > LARGEST:
            raise Refused(0, "A page of Wonde's answer is over 64 MB, which no page of records is. It was not read.")
        if promised is not None and promised.isdigit() and len(content) < int(promised):
            raise http.client.IncompleteRead(b"", int(promised) - len(content))
        page = json.loads(content)
        if not isinstance(page, dict) or "data" not in page:
            raise Refused(0, "Wonde's answer is not one of its lists (an object with data and meta).")
        return page


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: the standard handler would take the token along."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _opener(base: str) -> urllib.request.OpenerDirector:
    local = urllib.parse.urlsplit(base).hostname in _LOOPBACK
    # Whoever asks this machine does not mean to ask through a proxy.
    return urllib.request.build_opener(_NoRedirect, *([urllib.request.ProxyHandler({})] if local else []))


def _asked_to_wait(answer: urllib.error.HTTPError) -> float:
    """Seconds the service asks us to wait; 0 where it does not say so in seconds."""
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.isdigit() else 0.0


def _refusal(answer: urllib.error.HTTPError) -> Refused:
    says = {
        401: "Wonde does not know this token. Ask the person who manages your account for a new one.",
        403: "Wonde does not let this token read that: the school, or Wonde, has not granted it.",
        404: "Wonde has nothing there: check the school's id, and that the school's data is held in this region.",
    }.get(answer.code)
    if says is None and answer.code == 422:
        fields = _fields(answer)
        says = "Wonde does not accept the question" + (f": {fields}." if fields else ".")
    return Refused(answer.code, says or f"Wonde answers {answer.code}, which asking again will not change.")


def _fields(answer: urllib.error.HTTPError) -> str:
    """Which parameters of ours were not accepted. Their messages are left out: they may quote anything."""
    try:
        told = json.loads(answer.read(65536))
    except (ValueError, OSError, http.client.HTTPException):
        return ""
    inner = told.get("errors", told) if isinstance(told, dict) else {}
    names = inner.keys() if isinstance(inner, dict) else ()
    return ", ".join(sorted(name for name in names if name.isidentifier() and name not in ("message", "error")))
