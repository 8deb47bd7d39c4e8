"""Log lines that cannot carry a child's record."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType


class NoRecords(logging.Formatter):
    """One line per event: an exception is told by its type and where it happened, never by its message.

    The message of an exception may quote a record ("invalid literal for int(): ..."), and so may an argument.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: "
        if record.name == "sightline.audit":
            return line + record.getMessage()
        request = getattr(record, "request", None)
        status = getattr(record, "status_code", "")
        ident = getattr(request, "id", "") if request is not None else ""
        match = getattr(request, "resolver_match", None)
        page = (match.view_name if match else "") if request is not None else ""
        said = str(record.msg) if request is None else f"status {status} page {page or '-'} request {ident or '-'}"
        if record.exc_info and record.exc_info[0] is not None:
            said += "\n" + self.formatException(record.exc_info)
        return line + said

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        kind, _error, trace = ei
        frames = [f"  {f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(trace)]
        return "\n".join([*frames, f"  {kind.__name__ if kind else 'no exception'}"])
