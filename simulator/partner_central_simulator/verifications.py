"""Rules on identity: verification of business and registrant, and codes sent by e-mail."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from partner_central_simulator.exceptions import FieldProblem, ServiceError
from partner_central_simulator.models import (
    DAY,
    AccountVerification,
    ApiCall,
    Mail,
    Output,
    SimulatedAccount,
    State,
)

MAILS_PER_DAY = 5
BUSINESS = "BUSINESS_VERIFICATION"
REGISTRANT = "REGISTRANT_VERIFICATION"
ANY_LEGAL_NAME = "Any legal name (simulated)"
"""The name in a verification that `StartVerification` did not start."""

_READS_IN_PROGRESS = 1
"""How often `GetVerification` shows a business in progress before it has succeeded. AWS takes up to an hour."""

_PREREQUISITES = {
    BUSINESS: "INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS",
    REGISTRANT: "INCOMPATIBLE_IDENTITY_VERIFICATION_STATUS",
}

_log = logging.getLogger(__name__)


def send_email_verification_code(call: ApiCall) -> Output:
    """Put an e-mail into the outbox; the Sandbox, which accepts any code, sends none."""
    if call.request["Catalog"] == "Sandbox":
        return {}
    email = call.request["Email"]
    if sum(call.now - mail.sent_at < DAY for mail in _mails(call, email)) >= MAILS_PER_DAY:
        raise ServiceError.of("LIMIT_EXCEEDED_NUMBER_OF_EMAIL")
    mail = Mail("AWS", email, f"{secrets.randbelow(10**6):06}", call.account.id, call.now)
    call.state.outbox.append(mail)
    _log.info("e-mail to %s (account %s): your verification code is %s", email, call.account.id, mail.code)
    return {}


def _mails(call: ApiCall, email: str) -> list[Mail]:
    return [mail for mail in call.state.outbox if (mail.account, mail.email) == (call.account.id, email)]


def check_code(call: ApiCall, email: str) -> None:
    """Reject a code that is not the latest unspent one for this address, account and catalog."""
    if call.request["Catalog"] == "Sandbox":
        return
    latest = _mails(call, email)[-1:]
    sent = call.request.get("EmailVerificationCode")
    if not any(mail.code == sent and not mail.spent for mail in latest):
        message = "The code is wrong, spent, or for another address."
        raise ServiceError.of_fields(FieldProblem("EmailVerificationCode", message, "INVALID_VALUE"))


@contextmanager
def spending_code(call: ApiCall, email: str) -> Iterator[None]:
    """Around an attempt that names an address: success spends its codes, and failure may too.

    The Sandbox ignores codes, so none is spent there.
    """
    spent = call.readings.failed_attempt_spends_code
    try:
        yield
        spent = True
    finally:
        if spent and call.request["Catalog"] != "Sandbox":
            for mail in _mails(call, email):
                mail.spent = True


def unmet_prerequisites(account: SimulatedAccount) -> list[str]:
    """The `BusinessValidationCode` of each verification that catalog AWS needs, and this account lacks."""
    succeeded = {kind for kind, one in account.verifications.items() if one.status == "SUCCEEDED"}
    return [code for kind, code in _PREREQUISITES.items() if kind not in succeeded]


def verified_legal_name(account: SimulatedAccount) -> str | None:
    """The name under which the business was verified, if it was given one."""
    verification = account.verifications.get(BUSINESS)
    name = verification.details["LegalName"] if verification else None
    return None if name == ANY_LEGAL_NAME else name


def start_verification(call: ApiCall) -> Output:
    """Begin a verification.

    The registrant must complete it at the `CompletionUrl` within a day; a business is verified without a human, unless
    by another reading.
    """
    if "VerificationDetails" not in call.request:
        raise ServiceError.of_fields(
            FieldProblem("VerificationDetails", "A value is required.", "REQUIRED_FIELD_MISSING")
        )
    kind = call.once(lambda: _start(call).type)
    return _describe(call, call.account.verifications[kind])


def _start(call: ApiCall) -> AccountVerification:
    ((member, details),) = call.request["VerificationDetails"].items()
    kind = BUSINESS if member == "BusinessVerificationDetails" else REGISTRANT
    earlier = call.account.verifications.get(kind)
    if earlier and earlier.status == "SUCCEEDED":
        raise ServiceError.of("ACCOUNT_ALREADY_VERIFIED")
    if earlier and (earlier.status == "IN_PROGRESS" or _waits_for_human(earlier, call.now)):
        raise ServiceError.of("VERIFICATION_ALREADY_IN_PROGRESS")
    verification = _new_verification(kind, details, call.now)
    if kind == REGISTRANT or call.readings.business_verification_has_completion_url:
        verification.status = "PENDING_CUSTOMER_ACTION"
    else:
        verification.reads_left = _READS_IN_PROGRESS
    call.account.verifications[kind] = verification
    return verification


def get_verification(call: ApiCall) -> Output:
    """The latest verification of this type."""
    verification = call.account.verifications.get(call.request["VerificationType"])
    if verification is None:
        raise ServiceError.of("VERIFICATION_NOT_FOUND")
    if verification.status == "IN_PROGRESS" and verification.reads_left is not None:
        if verification.reads_left == 0:
            verification.status, verification.completed_at = "SUCCEEDED", call.now
        else:
            verification.reads_left -= 1
    return _describe(call, verification)


def _describe(call: ApiCall, verification: AccountVerification) -> Output:
    completion = {
        "CompletionUrl": f"{call.base_url}/_simulator/verifications/{verification.completion_token}",
        "CompletionUrlExpiresAt": verification.completion_expires_at,
    }
    business: Output = {"BusinessVerificationDetails": verification.details}
    if verification.status == "PENDING_CUSTOMER_ACTION":
        business |= completion
    answer: Output = {
        "VerificationType": verification.type,
        "VerificationStatus": verification.status,
        "VerificationResponseDetails": {"RegistrantVerificationResponse": completion}
        if verification.type == REGISTRANT
        else {"BusinessVerificationResponse": business},
        "StartedAt": verification.started_at,
    }
    if verification.completed_at:
        answer["CompletedAt"] = verification.completed_at
    return answer


def decide(account: SimulatedAccount, kind: str, status: str, now: datetime) -> None:
    """Set a verification outside the API; a business that was never named gets no real name."""
    made_up = {"LegalName": ANY_LEGAL_NAME, "RegistrationId": "SIMULATED", "CountryCode": "US"}
    unasked = _new_verification(kind, made_up if kind == BUSINESS else {}, now)
    verification = account.verifications.setdefault(kind, unasked)
    verification.status, verification.reads_left = status, None
    verification.completed_at = None if status in {"PENDING_CUSTOMER_ACTION", "IN_PROGRESS"} else now


def _new_verification(kind: str, details: dict[str, str], now: datetime) -> AccountVerification:
    return AccountVerification(
        type=kind,
        status="IN_PROGRESS",
        details=details,
        completion_token=secrets.token_urlsafe(16),
        completion_expires_at=now + DAY,
        started_at=now,
    )


def complete(state: State, completion_token: str, status: str, now: datetime) -> AccountVerification | None:
    """Complete a verification as the human at its URL does; None if nothing is pending there any more."""
    for account in state.accounts.values():
        for verification in account.verifications.values():
            if verification.completion_token == completion_token and _waits_for_human(verification, now):
                verification.status, verification.completed_at = status, now
                return verification
    return None


def _waits_for_human(verification: AccountVerification, now: datetime) -> bool:
    return verification.status == "PENDING_CUSTOMER_ACTION" and now < verification.completion_expires_at
