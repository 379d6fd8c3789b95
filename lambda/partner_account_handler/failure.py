"""How a call to AWS failed, in names that can't hold a value of the user's. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum


class CallOutcome(Enum):
    """How a failed call ended, as far as it matters for what to do next."""

    UNKNOWN = "unknown"
    """Nobody knows whether it was carried out: time-out, connection lost, 5xx."""
    THROTTLED = "throttled"
    """Not carried out, may be repeated later."""
    DENIED = "denied"
    """Not allowed; right after a deployment perhaps only not yet, since IAM is eventually consistent."""
    REFUSED = "refused"
    """Not carried out, and repeating it changes nothing."""


@dataclass(frozen=True)
class CallFailure:
    """What AWS said about a failed call."""

    operation: str
    call_outcome: CallOutcome
    code: str
    reason: str = ""
    details: tuple[str, ...] = ()
    """Codes of ErrorDetails, those of a field as ``LegalName:INVALID_VALUE``."""
    request_id: str = ""
    """By which AWS support finds the call."""

    def log_fields(self) -> dict[str, object]:
        """For the log."""
        return {**asdict(self), "call_outcome": self.call_outcome.value}


def incomplete_answer(operation: str) -> CallFailure:
    """That of an answer that lacks what it must have: nobody knows what it stands for."""
    return CallFailure(operation, CallOutcome.UNKNOWN, "IncompleteAnswer")
