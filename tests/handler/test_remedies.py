"""The remedy of each error that Partner Central can raise, from the bytes of the answer to the Reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError, ReadTimeoutError

from partner_account_handler.calls import call_failure
from partner_account_handler.errors import REASON_LIMIT, CallError, CallFailure, CallOutcome
from partner_account_handler.remedies import (
    BY_CODE,
    BY_DENIED_OPERATION,
    BY_DETAIL,
    BY_FIELD,
    BY_OPERATION,
    BY_OUTCOME,
    BY_REASON,
)

OPERATIONS = (
    "CreatePartner",
    "PutAllianceLeadContact",
    "TagResource",
    "UntagResource",
    "ListPartners",
    "ListTagsForResource",
    "GetPartner",
    "GetAllianceLeadContact",
    "GetProfileVisibility",
)
TABLES = (BY_DETAIL, BY_FIELD, BY_REASON, BY_CODE, BY_OPERATION, BY_DENIED_OPERATION, BY_OUTCOME)
REMEDIES = {text for table in TABLES for text in table.values()}
ECHO = "Canary Corp, canary@example.com, 123456"

WORDS = {
    "ACCESS_DENIED": "Allow this call",
    "INCOMPATIBLE_BENEFIT_AWS_PARTNER_STATE": "AWS Partner support",
    "CONFLICT_CLIENT_TOKEN": "found by its tag",
    "DUPLICATE_PARTNER": "correct legal_name, or set existing_partner_id",
    "INCOMPATIBLE_PROFILE_STATE": "profile task end",
    "INCOMPATIBLE_PARTNER_PROFILE_TASK_STATE": "profile task end",
    "VERIFICATION_ALREADY_IN_PROGRESS": "at the URL that `verification status` shows",
    "PARTNER_NOT_FOUND": "AWS Partner support",
    "INCOMPATIBLE_LEGAL_NAME": "legal name that the business verification confirmed",
    "INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS": "that is an AWS Partner: migrate",
    "INCOMPATIBLE_IDENTITY_VERIFICATION_STATUS": "Verify the registrant",
    "INVALID_ACCOUNT_LINKING_STATUS": "already an AWS Partner. Migrate it",
    "INVALID_ACCOUNT_STATE": "good standing",
    "INCOMPATIBLE_DOMAIN": "company's own domain",
    "INELIGIBLE_ACCOUNT_TIER": "paid plan",
}
"""What can end a call of ours, with words of its remedy."""

FOREIGN = {
    "ACCOUNT_ALREADY_VERIFIED",
    "INCOMPATIBLE_PRIMARY_PARTNER",
    "PARTNER_PROFILE_NOT_FOUND",
    "PARTNER_PROFILE_TASK_NOT_FOUND",
    "PARTNER_DOMAIN_NOT_FOUND",
    "SENDER_PROFILE_NOT_FOUND",
    "RECEIVER_PROFILE_NOT_FOUND",
    "VERIFICATION_NOT_FOUND",
}
"""Of operations that this package never calls, beside those of connections and qualifications."""

FIELDS = {
    "Catalog": "Correct catalog",
    "LegalName": "Correct legal_name",
    "PrimarySolutionType": "Correct primary_solution_type",
    "AllianceLeadContact": "Correct alliance_lead_contact",
    "AllianceLeadContact.FirstName": "first_name",
    "AllianceLeadContact.LastName": "last_name",
    "AllianceLeadContact.Email": "contact's email",
    "AllianceLeadContact.BusinessTitle": "business_title",
    "EmailVerificationCode": "Request a new code",
    "Tags": "a tag policy may forbid a key",
    "Tags[0].Key": "Correct the tags",
    "TagKeys": "a tag policy may forbid a key",
}
"""Each member that the user's properties decide, as the service may name it."""


@cache
def client() -> Any:
    """A real client whose every request is answered by `ANSWER`, as if from the wire."""
    made = boto3.client(
        "partnercentral-account",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=boto3.session.Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )
    made.meta.events.register("before-send.partnercentral-account", _answer)
    return made


ANSWER: dict[str, Any] = {}


class _Raw:
    def stream(self) -> Iterator[bytes]:
        yield json.dumps(ANSWER).encode()


def _answer(request: Any, **_: Any) -> AWSResponse:
    status = 500 if ANSWER["__type"] == "InternalServerException" else 400
    return AWSResponse(request.url, status, HTTPHeaders.from_dict({"x-amzn-RequestId": "01234567-89ab"}), _Raw())


def error_of(operation: str, code: str, **members: Any) -> CallError:
    """What the handler makes of such an answer; its message echoes the input."""
    ANSWER.clear()
    ANSWER.update({"__type": code, "Message": ECHO, **members})
    methods = {name: method for method, name in client().meta.method_to_api_mapping.items()}
    with pytest.raises(ClientError) as caught:
        getattr(client(), methods[operation])()
    return CallError(call_failure(operation, caught.value))


def invalid(operation: str, **detail: Any) -> CallError:
    """A validation error with one detail."""
    kind = "REQUEST" if "FieldValidationError" in detail else "BUSINESS"
    return error_of(operation, "ValidationException", Reason=f"{kind}_VALIDATION_FAILED", ErrorDetails=[detail])


def check(error: CallError, name: str = "") -> str:
    """Holds for every Reason: the code first, the name in it, a whole remedy last, nothing of the input."""
    told = str(error)
    assert told.startswith(error.failure.code)
    assert name in told
    assert any(told.endswith(f". {remedy}") for remedy in REMEDIES)
    assert len(told) <= REASON_LIMIT
    assert "…" not in told
    assert not any(part in told for part in ("anary", "123456"))
    return told


def enum(shape: str) -> list[str]:
    """The values that the service model knows."""
    return list(client().meta.service_model.shape_for(shape).enum)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_reason_of_each_call_has_its_remedy(operation: str) -> None:
    """A reason that can end a call of ours has a remedy of its own, any other a general one."""
    for shape in client().meta.service_model.operation_model(operation).error_shapes:
        reasons = shape.members["Reason"].enum if "Reason" in shape.members else [""]
        for reason in reasons:
            told = check(error_of(operation, shape.name, Reason=reason), reason)
            assert WORDS.get(reason, "") in told


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_business_validation_code_has_its_remedy(operation: str) -> None:
    """They are the usual obstacles of a first deployment: verification, plan, domain, legal name."""
    for code in enum("BusinessValidationCode"):
        detail = {"Code": code, "Message": ECHO}
        assert WORDS.get(code, "") in check(invalid(operation, BusinessValidationError=detail), code)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_user_defined_field_has_its_remedy(operation: str) -> None:
    """Whatever is wrong with it, and in whatever spelling the service names it."""
    for path, words in FIELDS.items():
        for code in set(enum("FieldValidationCode")) - {"TOO_MANY_VALUES", "DUPLICATE_VALUE"}:
            for spelling in (path, path[0].lower() + path[1:], f"request.{path}"):
                detail = {"Name": spelling, "Code": code, "Message": ECHO}
                assert words in check(invalid(operation, FieldValidationError=detail), code)


@pytest.mark.parametrize(
    ("field", "code", "words"),
    [
        ("Tags", "TOO_MANY_VALUES", "Remove tags"),
        ("Tags", "DUPLICATE_VALUE", "Correct the tags"),
        ("LegalName", "DUPLICATE_VALUE", "The legal name is taken"),
    ],
)
def test_code_can_be_more_specific_than_its_field(field: str, code: str, words: str) -> None:
    """Too many tags are no matter of a tag policy, and a taken name is none of spelling."""
    detail = {"Name": field, "Code": code, "Message": ECHO}
    assert words in check(invalid("CreatePartner", FieldValidationError=detail), f"{field}:{code}")


@pytest.mark.versions
def test_every_reason_of_the_model_is_accounted_for() -> None:
    """A reason that a newer model adds must be given a remedy here, or be called foreign."""
    shapes = ("AccessDeniedExceptionReason", "ConflictExceptionReason", "ResourceNotFoundExceptionReason")
    known = [*(name for shape in shapes for name in enum(shape)), *enum("BusinessValidationCode")]
    unknown = [name for name in known if name not in {*WORDS, *FOREIGN}]
    assert [name for name in unknown if "CONNECTION" not in name and "QUALIFICATIONS" not in name] == []
    members = client().meta.service_model.operation_model("CreatePartner").input_shape.members
    assert set(members) - set(FIELDS) == {"ClientToken"}


def test_two_obstacles_are_both_named() -> None:
    """One deployment is enough to learn of both; the remedy is that of the first."""
    codes = ("INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS", "INELIGIBLE_ACCOUNT_TIER")
    details = [{"BusinessValidationError": {"Code": code, "Message": ECHO}} for code in codes]
    error = error_of("CreatePartner", "ValidationException", Reason="BUSINESS_VALIDATION_FAILED", ErrorDetails=details)
    assert error.failure.details == codes
    assert codes[0] in str(error)
    assert codes[1] in str(error)
    assert str(error).endswith("that is an AWS Partner: migrate that.")


@pytest.mark.versions
@pytest.mark.parametrize(
    ("code", "reason", "outcome"),
    [
        ("ThrottlingException", "", CallOutcome.THROTTLED),
        ("InternalServerException", "", CallOutcome.UNKNOWN),
        ("AccessDeniedException", "ACCESS_DENIED", CallOutcome.DENIED),
        ("AccessDeniedException", "INCOMPATIBLE_BENEFIT_AWS_PARTNER_STATE", CallOutcome.REFUSED),
        ("ConflictException", "DUPLICATE_PARTNER", CallOutcome.REFUSED),
        ("ResourceNotFoundException", "PARTNER_NOT_FOUND", CallOutcome.REFUSED),
        ("ValidationException", "BUSINESS_VALIDATION_FAILED", CallOutcome.REFUSED),
    ],
)
def test_only_transient_failures_are_retried(code: str, reason: str, outcome: CallOutcome) -> None:
    """The rest fails at once."""
    assert error_of("CreatePartner", code, Reason=reason).failure.call_outcome is outcome


def unnamed(status: int) -> ClientError:
    """An answer of a server before the service, which names no error."""
    response: Any = {"Error": {"Code": "", "Message": ECHO}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "CreatePartner")


@pytest.mark.parametrize(
    ("cause", "outcome", "code"),
    [
        (unnamed(503), CallOutcome.UNKNOWN, "HTTP503"),
        (unnamed(429), CallOutcome.THROTTLED, "HTTP429"),
        (ReadTimeoutError(endpoint_url="https://x"), CallOutcome.UNKNOWN, "ReadTimeoutError"),
        (ConnectTimeoutError(endpoint_url="https://x"), CallOutcome.UNKNOWN, "ConnectTimeoutError"),
        (ParamValidationError(report=ECHO), CallOutcome.REFUSED, "ParamValidationError"),
        (KeyError(ECHO), CallOutcome.UNKNOWN, "KeyError"),
    ],
)
def test_only_calls_certainly_not_carried_out_count_as_refused_or_throttled(
    cause: Exception, outcome: CallOutcome, code: str
) -> None:
    """Whatever botocore raises."""
    error = CallError(call_failure("CreatePartner", cause))
    assert error.failure.call_outcome is outcome
    assert check(error).startswith(code)


def named(**how: Any) -> CallFailure:
    """A failed call of which nothing else is known."""
    return CallFailure(**{"operation": "ListTagsForResource", "call_outcome": CallOutcome.REFUSED, "code": "E", **how})


BY_NAME = [
    *((named(details=(name,)), name, remedy) for name, remedy in {**BY_DETAIL, **BY_FIELD}.items()),
    *((named(reason=name), name, remedy) for name, remedy in BY_REASON.items()),
    *((named(code=name, call_outcome=CallOutcome.UNKNOWN), name, remedy) for name, remedy in BY_CODE.items()),
    *((named(operation=name), name, remedy) for name, remedy in BY_OPERATION.items()),
    *((named(operation=n, call_outcome=CallOutcome.DENIED), n, remedy) for n, remedy in BY_DENIED_OPERATION.items()),
    *((named(call_outcome=CallOutcome(name)), "", remedy) for name, remedy in BY_OUTCOME.items()),
]


@pytest.mark.parametrize(("failure", "name", "remedy"), BY_NAME)
def test_each_remedy_fits_its_reason_untruncated(failure: CallFailure, name: str, remedy: str) -> None:
    """A Reason keeps its code at the front and the whole remedy at the end: the one of its name."""
    assert check(CallError(failure), name).endswith(f". {remedy}")


@pytest.mark.versions
@pytest.mark.parametrize(
    "details",
    [
        None,
        [],
        [{"BusinessValidationError": {"Code": "NEW_CODE", "Message": ECHO}}],
        [{"BusinessValidationError": {"Code": ECHO, "Message": ECHO}}],
        [{"FieldValidationError": {"Name": "NewField", "Code": "NEW_CODE", "Message": ECHO}}],
        [{"FieldValidationError": {"Name": ECHO, "Code": ECHO, "Message": ECHO}}],
        [{"FieldValidationError": {}}],
        [None],
        [{"NewError": {"Code": "NEW_CODE", "Message": ECHO}}],
    ],
)
def test_unknown_details_from_a_newer_service_cause_no_crash(details: object) -> None:
    """The service changes faster than the model in this package."""
    error = error_of("CreatePartner", "ValidationException", Reason="REQUEST_VALIDATION_FAILED", ErrorDetails=details)
    check(error, "REQUEST_VALIDATION_FAILED")


def test_malformed_code_reason_and_request_id_are_not_repeated() -> None:
    """Anything in their place may be the input: neither the Reason nor the log contains it."""
    answer: Any = {
        "Error": {"Code": ECHO, "Message": ECHO},
        "Reason": ECHO,
        "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": ECHO},
    }
    error = CallError(call_failure("CreatePartner", ClientError(answer, "CreatePartner")))
    check(error, "HTTP400")
    assert error.failure == CallFailure("CreatePartner", CallOutcome.REFUSED, "HTTP400")
