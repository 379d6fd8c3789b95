"""Lets text be written wherever standard output leads: not every terminal and file can hold each character."""

import codecs
import io
import sys

_PLAIN = {"✓": "ok", "✗": "x", "│": "|", "→": "->", "…": "...", "“": '"', "”": '"', "─": "-"}
"""What the commands draw with, for an encoding that lacks it."""

_NAME = "partner_account_plain"


def never_fail_to_write() -> None:
    """Have characters that an encoding lacks written as a plain sign, or as Python escapes them: no name is lost."""
    codecs.register_error(_NAME, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # and not what a program has put in its place
            stream.reconfigure(errors=_NAME)


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    escaped = (_PLAIN.get(one) or one.encode("ascii", "backslashreplace").decode() for one in lacking)
    return "".join(escaped), error.end
