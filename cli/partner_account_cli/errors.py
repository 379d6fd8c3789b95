"""What a command says when it can't go on."""


class CommandError(Exception):
    """A command can't do what it was asked to.

    Its text says why in one sentence, without a value that is secret; `remedy` says in another what to do.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        """Take both sentences."""
        super().__init__(sentence)
        self.remedy = remedy
