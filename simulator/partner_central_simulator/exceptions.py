"""The errors that the service returns, and their JSON bodies. When they occur is decided elsewhere."""

from typing import Any, NamedTuple, Self

_BY_REASON = {
    "ACCOUNT_ALREADY_VERIFIED": ("ConflictException", "The account is verified already."),
    "CONFLICT_CLIENT_TOKEN": ("ConflictException", "The client token was used with other parameters before."),
    "DUPLICATE_PARTNER": ("ConflictException", "The account has a partner in this catalog, or the name is taken."),
    "INCOMPATIBLE_PARTNER_PROFILE_TASK_STATE": ("ConflictException", "A profile task is in progress, or has ended."),
    "INCOMPATIBLE_PROFILE_STATE": ("ConflictException", "The profile has these details already."),
    "LIMIT_EXCEEDED_NUMBER_OF_EMAIL": ("ServiceQuotaExceededException", "No more codes for this address today."),
    "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_UPDATE_PER_DAY": ("ServiceQuotaExceededException", "No more updates today."),
    "LIMIT_EXCEEDED_NUMBER_OF_PROFILE_VISIBILITY_UPDATE_PER_DAY": (
        "ServiceQuotaExceededException",
        "No more updates today.",
    ),
    "PARTNER_NOT_FOUND": ("ResourceNotFoundException", "No such partner in this account and catalog."),
    "PARTNER_PROFILE_NOT_FOUND": ("ResourceNotFoundException", "The partner has no profile yet."),
    "PARTNER_PROFILE_TASK_NOT_FOUND": ("ResourceNotFoundException", "No such profile task."),
    "VERIFICATION_ALREADY_IN_PROGRESS": ("ConflictException", "A verification is in progress already."),
    "VERIFICATION_NOT_FOUND": ("ResourceNotFoundException", "No verification of this type was started."),
}
"""The error's code and message by its `Reason`, which is one of the service model's."""

_PRECONDITIONS = {
    "INCOMPATIBLE_IDENTITY_VERIFICATION_STATUS": "The registrant verification has not succeeded.",
    "INCOMPATIBLE_KNOW_YOUR_BUSINESS_STATUS": "The business verification has not succeeded.",
    "INCOMPATIBLE_LEGAL_NAME": "The legal name is not the verified one.",
}
"""The message by its `BusinessValidationCode`."""

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
"""What AWS's gateway (or, for operations that are not simulated, the simulator) returns in place of the service."""


class FieldProblem(NamedTuple):
    """One member of a request that breaks a rule: its path, the rule, and a `FieldValidationCode`."""

    name: str
    message: str
    code: str


class ServiceError(Exception):
    """An error response: its code, its message, and the other members of its shape, such as `Reason`."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        """Set them by their names in the service model."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.members = members

    @classmethod
    def of(cls, reason: str) -> Self:
        """The error with that `Reason`."""
        code, message = _BY_REASON[reason]
        return cls(code, message, Reason=reason)

    @classmethod
    def of_fields(cls, *problems: FieldProblem) -> Self:
        """All members of a request that are wrong, in one error."""
        message = "The request fails the constraints of the service: see ErrorDetails."
        details = [
            {"FieldValidationError": {name.capitalize(): value for name, value in one._asdict().items()}}
            for one in problems
        ]
        return cls("ValidationException", message, Reason="REQUEST_VALIDATION_FAILED", ErrorDetails=details)

    @classmethod
    def of_preconditions(cls, *codes: str) -> Self:
        """All preconditions that are not met, in one error."""
        message = "The account or its data do not allow this request: see ErrorDetails."
        details = [{"BusinessValidationError": {"Message": _PRECONDITIONS[code], "Code": code}} for code in codes]
        return cls("ValidationException", message, Reason="BUSINESS_VALIDATION_FAILED", ErrorDetails=details)

    @property
    def is_of_service(self) -> bool:
        """Whether the request reached the service, so that its model has the error."""
        return self.code not in _STATUS_BEFORE_THE_SERVICE

    @property
    def status(self) -> int:
        """The HTTP status."""
        own = 500 if self.code == "InternalServerException" else 400
        return _STATUS_BEFORE_THE_SERVICE.get(self.code, own)

    def body(self) -> dict[str, Any] | None:
        """The body, None if it is empty; clients find the error code after the `#`."""
        if self.code == "ServiceUnavailable":
            return None  # a load balancer's, which has no shapes
        namespace = "com.amazonaws.partnercentralaccount" if self.is_of_service else "com.amazon.coral.service"
        if self.code == "NotSimulatedException":
            namespace = "partner_central_simulator"
        return {"__type": f"{namespace}#{self.code}", "Message": self.message, **self.members}
