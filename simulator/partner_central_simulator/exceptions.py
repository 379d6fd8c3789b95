"""One class per error the service answers, and the JSON body each becomes. When they occur is decided elsewhere.

ServiceError
├── AccessDeniedError, ConflictError, ResourceNotFoundError, ServiceQuotaExceededError   carry a Reason
├── ValidationFailedError                                                                Reason and ErrorDetails
├── ThrottlingError, InternalServerError
└── FrontDoorError   answered in place of the service, so not in its model
    ├── SerializationError, UnknownOperationError, RequestTooLargeError, ServiceUnavailableError
    ├── MissingAuthenticationTokenError, IncompleteSignatureError, InvalidSignatureError, UnrecognizedClientError
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

    status: ClassVar[int] = 400
    code: ClassVar[str]
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


class FrontDoorError(ServiceError):
    """What stands in front of the service refuses a request that never gets to the service itself."""

    namespace = "com.amazon.coral.service"


class SerializationError(FrontDoorError):
    """The body is no JSON object."""

    code = "SerializationException"


class UnknownOperationError(FrontDoorError):
    """`X-Amz-Target` names no operation of this service."""

    status = 404
    code = "UnknownOperationException"


class RequestTooLargeError(FrontDoorError):
    """The body is larger than any real request can be."""

    status = 413
    code = "RequestEntityTooLargeException"


class MissingAuthenticationTokenError(FrontDoorError):
    """The request is not signed."""

    status = 403
    code = "MissingAuthenticationTokenException"


class IncompleteSignatureError(FrontDoorError):
    """The `Authorization` header has not the form of Signature Version 4."""

    status = 403
    code = "IncompleteSignature"


class InvalidSignatureError(FrontDoorError):
    """The signature is made for another region or another service."""

    status = 403
    code = "InvalidSignatureException"


class UnrecognizedClientError(FrontDoorError):
    """The session token is not one that this simulator knows."""

    status = 403
    code = "UnrecognizedClientException"


class ServiceUnavailableError(FrontDoorError):
    """A load balancer has no service to reach, and answers without JSON."""

    status = 503
    code = "ServiceUnavailable"

    def body(self) -> None:
        """Nothing: a load balancer knows no shapes."""


class NotSimulatedError(FrontDoorError):
    """The operation exists at AWS and is left out here; success would be a lie."""

    status = 501
    code = "NotSimulatedException"
    namespace = "partner_central_simulator"
