"""What can go wrong, each as one sentence with its remedy. The text of an error becomes CloudFormation's Reason.

HandlerError
├── RequestError     the properties of the custom resource can't be used
├── CallError        a call to AWS ended badly
│   └── AnswerUnreachableError  or its answer could not be sent, so no change was made
├── CodeError        the stored verification code can't be used
├── PartnerError     the account's partners are not what the template says
│   └── TagsNotVisibleError  or it can't be told yet
├── NotWaitingError  the stack no longer waits, so nothing is done
├── TimeLeftError    no time is left in this invocation
└── DefectError      a defect of this package

None of them holds a value of the user's or a message of the service, which may echo the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum

from partner_account_handler.remedies import remedy_for

REASON_LIMIT = 240
"""Characters of a Reason that crhelper lets through; it would cut a longer one at its beginning."""


class HandlerError(Exception):
    """Base of all errors that this package answers with: a code, what happened, and the remedy last."""

    is_refusal = False
    """Whether a human must correct or decide something first; else deploying again may be enough."""

    def __init__(self, code: str, happened: str, remedy: str) -> None:
        self.code = code
        super().__init__(_fitted(f"{code}: {happened}", remedy))


def _fitted(happened: str, remedy: str) -> str:
    room = REASON_LIMIT - len(remedy) - 2
    if len(happened) > room:
        happened = happened[: room - 1] + "…"
    return f"{happened}. {remedy}"


class RequestError(HandlerError):
    """The properties of the custom resource can't be used."""

    is_refusal = True

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("InvalidProperties", "; ".join(mistakes), "Correct them in the template and deploy again.")


class CodeError(HandlerError):
    """The stored verification code can't be used."""

    is_refusal = True

    def __init__(self, happened: str) -> None:
        super().__init__("VerificationCode", happened, "Request a code, store its six digits there, deploy again.")


class PartnerError(HandlerError):
    """The account's partners are not what the template says."""

    is_refusal = True


class TagsNotVisibleError(PartnerError):
    """A partner is so new that its tags may not be seen yet."""

    is_refusal = False

    def __init__(self, partner_id: str) -> None:
        super().__init__(
            "TagsNotVisible",
            f"{partner_id} is listed, but its tags can't be seen yet",
            "It is a new one, perhaps this stack's own: deploy again in a minute.",
        )


class NotWaitingError(HandlerError):
    """The stack no longer waits for this resource."""

    def __init__(self, status: str) -> None:
        super().__init__(
            "StackNotWaiting",
            f"the stack is in {status}, so nothing more was done",
            "Deploy again if the partner is still wanted.",
        )


class TimeLeftError(HandlerError):
    """No time is left in this invocation."""

    def __init__(self, operation: str) -> None:
        super().__init__(
            "OutOfTime",
            f"no time was left for {operation}",
            "Deploy again: what is already done is found and kept.",
        )


class DefectError(HandlerError):
    """A defect of this package: only the kind and the place of the exception are told, never its text."""

    def __init__(self, kind: str, place: str) -> None:
        super().__init__("Defect", f"{kind} at {place}", "Nothing is lost. Please report this, and deploy again.")


class Ending(Enum):
    """How a call to AWS ended, as far as it matters for what to do next."""

    OPEN = "open"
    """Nobody knows whether it was carried out: time-out, connection lost, 5xx."""
    THROTTLED = "throttled"
    """Not carried out, may be repeated later."""
    DENIED = "denied"
    """Not allowed; right after a deployment perhaps only not yet, since IAM is eventually consistent."""
    REFUSED = "refused"
    """Not carried out, and repeating it changes nothing."""


@dataclass(frozen=True)
class Fault:
    """What AWS said about a failed call, reduced to names that can't hold a value of the user's."""

    operation: str
    ending: Ending
    code: str
    reason: str = ""
    details: tuple[str, ...] = ()
    """Codes of ErrorDetails, those of a field as ``LegalName:INVALID_VALUE``."""
    request_id: str = ""
    """By which AWS support finds the call."""

    def told(self) -> dict[str, object]:
        """For the log."""
        return {**asdict(self), "ending": self.ending.value}


class CallError(HandlerError):
    """A call to AWS ended badly."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.is_refusal = fault.ending in (Ending.REFUSED, Ending.DENIED)
        names = "/".join(filter(None, (fault.code, fault.reason)))
        details = f" ({', '.join(fault.details)})" if fault.details else ""
        super().__init__(names, f"{fault.operation} {_verb(fault)}{details}", remedy_for(fault))


class AnswerUnreachableError(CallError):
    """No answer could be sent to CloudFormation, so nothing is changed: the stack could never succeed."""

    def __init__(self, failure: str) -> None:
        super().__init__(Fault("ConnectToResponseURL", Ending.OPEN, failure))
        HandlerError.__init__(
            self,
            "AnswerUnreachable",
            f"no connection to the host of CloudFormation's ResponseURL ({failure}), so nothing more was done",
            "Give the function a way to S3 (NAT, endpoint, HTTPS_PROXY, AWS_CA_BUNDLE), deploy again.",
        )


def _verb(fault: Fault) -> str:
    return "had no certain outcome" if fault.ending is Ending.OPEN else "failed"
