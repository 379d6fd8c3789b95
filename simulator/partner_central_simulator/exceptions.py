"""The errors that the service answers, and the JSON body each becomes. When they occur is decided elsewhere."""

from typing import Any, NamedTuple

_STATUS = {"InternalServerException": 500}
"""The HTTP status of the service's own errors, if it isn't 400."""

_STATUS_BEFORE_THE_SERVICE = {
    "IncompleteSignature": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "NotSimulatedException": 501,
    "RequestEntityTooLargeException": 413,
    "SerializationException": 400,
    "ServiceUnavailable": 503,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
}
"""What AWS's gateway (or, for operations that are left out here, the simulator) answers in place of the service."""


class FieldProblem(NamedTuple):
    """One member of a request that breaks a rule: its path, the rule, and a `FieldValidationCode`."""

    name: str
    message: str
    code: str


class BusinessProblem(NamedTuple):
    """One precondition outside the request that is not met: the rule and a `BusinessValidationCode`."""

    message: str
    code: str


class ServiceError(Exception):
    """An error answer: its code, its message, and the further members of its shape, such as `Reason`."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        """Take them in the names of the service model."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.members = members

    @property
    def is_of_service(self) -> bool:
        """Whether the request got as far as the service, so that its model has the error."""
        return self.code not in _STATUS_BEFORE_THE_SERVICE

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUS_BEFORE_THE_SERVICE.get(self.code) or _STATUS.get(self.code, 400)

    def body(self) -> dict[str, Any] | None:
        """What goes over the wire, None for an empty body; clients find the error code behind the `#`."""
        if self.code == "ServiceUnavailable":
            return None  # a load balancer's, which knows no shapes
        namespace = "com.amazonaws.partnercentralaccount" if self.is_of_service else "com.amazon.coral.service"
        if self.code == "NotSimulatedException":
            namespace = "partner_central_simulator"
        return {"__type": f"{namespace}#{self.code}", "Message": self.message, **self.members}


def invalid_fields(*problems: FieldProblem) -> ServiceError:
    """All members of a request that are wrong, in one error."""
    return ServiceError(
        "ValidationException",
        "The request fails the constraints of the service: see ErrorDetails.",
        Reason="REQUEST_VALIDATION_FAILED",
        ErrorDetails=[
            {"FieldValidationError": {"Name": one.name, "Message": one.message, "Code": one.code}} for one in problems
        ],
    )


def unmet_preconditions(*problems: BusinessProblem) -> ServiceError:
    """All preconditions that are not met, in one error."""
    return ServiceError(
        "ValidationException",
        "The account or its data do not allow this request: see ErrorDetails.",
        Reason="BUSINESS_VALIDATION_FAILED",
        ErrorDetails=[{"BusinessValidationError": {"Message": one.message, "Code": one.code}} for one in problems],
    )
