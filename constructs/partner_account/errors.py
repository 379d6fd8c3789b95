"""The one error that this package raises at synth, and how it words several mistakes at once."""

from collections.abc import Sequence


class PartnerAccountError(ValueError):
    """A `PartnerAccount` or its provider can't be synthesized as it is written.

    The message names every mistake found, each with what is allowed, and never a sensitive value.
    """


def refuse_mistakes(construct_path: str, mistakes: Sequence[str], kind: str = "PartnerAccount") -> None:
    """Raise one `PartnerAccountError` that lists all mistakes, if there are any."""
    if not mistakes:
        return
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    listed = "".join(f"\n  - {mistake}" for mistake in mistakes)
    raise PartnerAccountError(f"{kind} {construct_path!r} has {count}:{listed}")
