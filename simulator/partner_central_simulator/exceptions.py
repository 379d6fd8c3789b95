"""The errors that the service answers, and the JSON body each becomes. When they occur is decided elsewhere.

ServiceError
├── AccessDeniedError, ConflictError, ResourceNotFoundError, ServiceQuotaExceededError   carry a Reason
├── ValidationFailedError                                                                Reason and ErrorDetails
├── ThrottlingError, InternalServerError
└── GatewayError   answered in place of the service, by its code and status
    ├── ServiceUnavailableError
    └── NotSimulatedError   a real operation that this simulator leaves out
"""

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple, Self


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
    """An error answer: HTTP status, error code, message, and the members its shape has besides."""

    status: int = 400
    code: str
    namespace: ClassVar[str] = "com.amazonaws.partnercentralaccount"

    def __init__(self, message: str, **members: Any) -> None:
        """Take the message and the further members, in the names of the error's shape."""
        super().__init__(message)
        self.message = message
        self.members = members

    @property
    def reason(self) -> str | None:
        """The `Reason` member, for the errors that have one."""
        return self.members.get("Reason")

    def body(self) -> dict[str, Any] | None:
        """What goes over the wire, None for an empty body; clients find the error code behind the `#`."""
        return {"__type": f"{self.namespace}#{self.code}", "Message": self.message, **self.members}


class AccessDeniedError(ServiceError):
    """IAM, or the state of the AWS account, forbids the call."""

    code = "AccessDeniedException"


class ConflictError(ServiceError):
    """The call contradicts something that exists already."""

    code = "ConflictException"


class ResourceNotFoundError(ServiceError):
    """The partner, profile, task or verification does not exist in this account and catalog."""

    code = "ResourceNotFoundException"


class ServiceQuotaExceededError(ServiceError):
    """A daily limit is used up."""

    code = "ServiceQuotaExceededException"


class ThrottlingError(ServiceError):
    """Too many requests at once."""

    code = "ThrottlingException"


class InternalServerError(ServiceError):
    """The service failed; whether the request took effect is open."""

    status = 500
    code = "InternalServerException"


class ValidationFailedError(ServiceError):
    """The request breaks a rule of the service model, or a precondition outside of the request."""

    code = "ValidationException"

    @classmethod
    def of_fields(cls, problems: Iterable[FieldProblem]) -> Self:
        """All members that are wrong, in one error."""
        details = [
            {"FieldValidationError": {"Name": problem.name, "Message": problem.message, "Code": problem.code}}
            for problem in problems
        ]
        return cls(
            "The request fails the constraints of the service: see ErrorDetails.",
            Reason="REQUEST_VALIDATION_FAILED",
            ErrorDetails=details,
        )

    @classmethod
    def of_business(cls, problems: Iterable[BusinessProblem]) -> Self:
        """All preconditions that are not met, in one error."""
        details = [
            {"BusinessValidationError": {"Message": problem.message, "Code": problem.code}} for problem in problems
        ]
        return cls(
            "The account or its data do not allow this request: see ErrorDetails.",
            Reason="BUSINESS_VALIDATION_FAILED",
            ErrorDetails=details,
        )


class GatewayError(ServiceError):
    """AWS's gateway refuses a request, which never gets to the service itself, nor is the error in its model."""

    namespace = "com.amazon.coral.service"

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        """Take the error's code, its message, and the HTTP status."""
        super().__init__(message)
        self.code = code
        self.status = status


class ServiceUnavailableError(GatewayError):
    """A load balancer has no service to reach."""

    def __init__(self) -> None:
        """There is nothing to tell."""
        super().__init__("ServiceUnavailable", "", 503)

    def body(self) -> None:
        """Nothing: a load balancer knows no shapes."""


class NotSimulatedError(GatewayError):
    """The operation exists at AWS and is left out here; success would be a lie."""

    namespace = "partner_central_simulator"

    def __init__(self, operation: str) -> None:
        """Name the operation."""
        super().__init__("NotSimulatedException", f"{operation} exists at AWS, but is not simulated.", 501)
