"""What can go wrong, each as one sentence with its remedy. The text of an error becomes CloudFormation's Reason.

None contains a value of the user's or a message of the service, which may echo the input.
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from partner_account_handler import remedies

_P = ParamSpec("_P")
_T = TypeVar("_T")

REASON_LIMIT = 240  # characters of a Reason that crhelper lets through; it would cut a longer one at its beginning


class CallOutcome(str, Enum):
    """How a failed call ended, as far as it matters for what to do next."""

    UNKNOWN = "unknown"  # nobody knows whether it was carried out: time-out, connection lost, 5xx
    THROTTLED = "throttled"  # not carried out, may be repeated later
    DENIED = "denied"  # not allowed; right after a deployment perhaps only not yet, since IAM is eventually consistent
    REFUSED = "refused"  # not carried out, and repeating it changes nothing


@dataclass(frozen=True)
class CallFailure:
    """How a call to AWS failed, in names that can't hold a value of the user's."""

    operation: str
    call_outcome: CallOutcome
    code: str
    reason: str = ""
    details: tuple[str, ...] = ()  # codes of ErrorDetails, those of a field as ``LegalName:INVALID_VALUE``
    request_id: str = ""  # by which AWS support finds the call


class HandlerError(Exception):
    """Base of all errors that this package reports: a code, what happened, and the remedy last."""

    is_refusal = False  # whether a person must correct or decide something first; else deploying again may be enough

    def __init__(self, code: str, happened: str, remedy: str) -> None:
        self.code = code
        text, room = f"{code}: {happened}", REASON_LIMIT - len(remedy) - 2
        super().__init__(f"{text if len(text) <= room else text[: room - 1] + '…'}. {remedy}")


class RequestError(HandlerError):
    """The properties of the custom resource can't be used."""

    is_refusal = True

    def __init__(self, errors: Sequence[str], remedy: str = "Correct them in the template and deploy again.") -> None:
        super().__init__("InvalidProperties", "; ".join(errors), remedy)


class CodeError(HandlerError):
    """The stored verification code can't be used."""

    is_refusal = True

    def __init__(self, happened: str) -> None:
        super().__init__("VerificationCode", happened, "Request a code, store its six digits there, deploy again.")


class PartnerError(HandlerError):
    """The account's partners are not what the template says."""

    is_refusal = True


class TagsNotVisibleError(PartnerError):
    """A partner is so new that its tags may not be visible yet."""

    is_refusal = False

    def __init__(self, partner_id: str) -> None:
        happened = f"{partner_id} is listed, but its tags aren't visible yet"
        remedy = "It is new, perhaps this stack's own: deploy again in a minute."
        super().__init__("TagsNotVisible", happened, remedy)


class ProfileTaskError(HandlerError):
    """A profile task failed or was canceled, and the profile is unchanged."""

    is_refusal = True

    def __init__(self, task_id: str, status: str, errors: Sequence[tuple[str, str]]) -> None:
        told = ", ".join(f"{reason} in {locale}" for reason, locale in dict.fromkeys(errors))
        known = (remedies.BY_PROFILE_ERROR[reason] for reason, _ in errors if reason in remedies.BY_PROFILE_ERROR)
        remedy = next(known, remedies.BY_TASK_STATUS[status])
        super().__init__(f"ProfileTask{status.capitalize()}", f"{task_id}{told and ': '}{told}", remedy)


class NotWaitingError(HandlerError):
    """The stack no longer waits for this resource."""

    def __init__(self, status: str) -> None:
        happened = f"the stack is in {status}, so nothing more was done"
        super().__init__("StackNotWaiting", happened, "Deploy again if the partner is still wanted.")


class TimeLeftError(HandlerError):
    """No time is left in this invocation."""

    def __init__(self, operation: str) -> None:
        happened = f"no time was left for {operation}"
        super().__init__("OutOfTime", happened, "Deploy again: what is already done is found and kept.")


class CallError(HandlerError):
    """A call to AWS failed. Its remedy is the most specific one that is known."""

    def __init__(self, failure: CallFailure) -> None:
        self.failure = failure
        self.is_refusal = failure.call_outcome in (CallOutcome.REFUSED, CallOutcome.DENIED)
        names = "/".join(filter(None, (failure.code, failure.reason)))
        verb = "had no certain outcome" if failure.call_outcome is CallOutcome.UNKNOWN else "failed"
        details = f" ({', '.join(failure.details)})" if failure.details else ""
        by_detail = (
            remedies.BY_DETAIL.get(one) or remedies.BY_FIELD.get(one.partition(":")[0]) for one in failure.details
        )
        by_operation = {"refused": remedies.BY_OPERATION, "denied": remedies.BY_DENIED_OPERATION}
        remedy = (
            next(filter(None, by_detail), None)
            or remedies.BY_REASON.get(failure.reason)
            or remedies.BY_CODE.get(failure.code)
            or by_operation.get(failure.call_outcome, {}).get(failure.operation)
            or remedies.BY_OUTCOME[failure.call_outcome]
        )
        super().__init__(names, f"{failure.operation} {verb}{details}", remedy)


class AnswerUnreachableError(CallError):
    """No answer could be sent to CloudFormation, so nothing is changed: the stack could never succeed."""

    def __init__(self, failure: str) -> None:
        super().__init__(CallFailure("ConnectToResponseURL", CallOutcome.UNKNOWN, failure))
        HandlerError.__init__(
            self,
            "AnswerUnreachable",
            f"no connection to the host of CloudFormation's ResponseURL ({failure}), so nothing more was done",
            "Let the function reach S3 (NAT, endpoint, HTTPS_PROXY, AWS_CA_BUNDLE), deploy again.",
        )


def defects_as_errors(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """The boundary at which a defect of ours becomes an error with its type and place, and nothing of the input.

    Without an answer CloudFormation would wait until its time-out.
    """

    @wraps(function)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return function(*args, **kwargs)
        except HandlerError:
            raise
        except Exception as defect:  # noqa: BLE001 - whatever it is
            *_, (frame, line) = traceback.walk_tb(defect.__traceback__)
            happened = f"{type(defect).__name__} at {Path(frame.f_code.co_filename).name}:{line}"
        # Here, so that the defect is no part of it.
        raise HandlerError("Defect", happened, "Nothing is lost. Report this, and deploy again.")

    return guarded
