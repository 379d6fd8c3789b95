"""What a command says when it can't go on."""

import sys


class CommandError(Exception):
    """A command can't do what it was asked to.

    Its text says why in one sentence, without a value that is secret; `remedy` says in another what to do.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        """Take both sentences."""
        super().__init__(sentence)
        self.remedy = remedy


def require_posix(what: str) -> None:
    """Raise CommandError on Windows, where the signals and process groups are missing that servers need."""
    if sys.platform == "win32":
        raise CommandError(f"{what} needs Linux or macOS", "On Windows, run it in WSL or in a container.")
