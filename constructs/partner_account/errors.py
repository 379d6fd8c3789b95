"""The one error that this package raises at synth, and how it words several errors at once."""

from collections.abc import Sequence


class PartnerAccountError(ValueError):
    """A `PartnerAccount` or its provider can't be synthesized as it is written.

    The message lists every error, each with what is allowed, and never a sensitive value.
    """


def raise_if_invalid(construct_path: str, errors: Sequence[str], kind: str = "PartnerAccount") -> None:
    """Raise one `PartnerAccountError` that lists all errors, if there are any."""
    if not errors:
        return
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    listed = "".join(f"\n  - {error}" for error in errors)
    raise PartnerAccountError(f"{kind} {construct_path!r} has {count}:{listed}")
