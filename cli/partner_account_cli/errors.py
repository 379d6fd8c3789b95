"""The error of a command that can't continue."""

import sys


class CommandError(Exception):
    """A command has failed.

    Its text is the reason in one sentence, without secret values; `remedy` is what to do, in another.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        """Set both sentences."""
        super().__init__(sentence)
        self.remedy = remedy


def require_posix(what: str) -> None:
    """Raise CommandError on Windows, which lacks the signals and process groups that servers need."""
    if sys.platform == "win32":
        raise CommandError(f"{what} needs Linux or macOS", "On Windows, run it in WSL or in a container.")
