"""What a command says when it can't go on."""

import importlib.util


class CommandError(Exception):
    """A command can't do what it was asked to.

    Its text says why in one sentence, without a value that is secret; `remedy` says in another what to do.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        """Take both sentences."""
        super().__init__(sentence)
        self.remedy = remedy


def require_installed(*packages: str) -> None:
    """Refuse to go on without packages that only another process will import.

    Raises:
        ModuleNotFoundError: the first one that is not installed.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(name=package)
