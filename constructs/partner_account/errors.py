"""The exception that this package raises at synth, the errors for values of the wrong type, the documentation's URL.

Each error shows what to write, and repeats no value.
"""

from collections.abc import Sequence

from aws_cdk import CfnParameter, SecretValue, Stack
from constructs import Construct

# The pages of `docs/` as published: the installed package doesn't contain them.
DOCUMENTATION = "https://cdk-partner-account.readthedocs.io/en/stable/docs/"


class PartnerAccountError(ValueError):
    """A `PartnerAccount`, its `PartnerProfile` or their provider can't be synthesized as declared.

    The message lists every error, each with what is allowed, and never a sensitive value.
    """


def raise_if_invalid(construct_path: str, errors: Sequence[str], kind: str = "PartnerAccount") -> None:
    """Raise one `PartnerAccountError` that lists all errors, if there are any."""
    if not errors:
        return
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    listed = "".join(f"\n  - {error}" for error in errors)
    raise PartnerAccountError(f"{kind} {construct_path!r} has {count}:{listed}")


def stack_of(scope: Construct, construct_id: str, kind: str = "PartnerAccount") -> Stack:
    """The stack in which the construct is about to be created, or a `PartnerAccountError` if there is none."""
    try:
        return Stack.of(scope)
    except RuntimeError:  # jsii's, for any error of CDK
        no_stack = 'scope: is not in a stack; create one, such as Stack(app, "Partner"), and use it'
        path = f"{scope.node.path}/{construct_id}".lstrip("/")
        raise PartnerAccountError(f"{kind} {path!r} has 1 error:\n  - {no_stack}") from None


def has_attribute(value: object, attribute: str) -> bool:
    """Whether a value has an attribute of a CDK interface, such as `role_arn` of a role.

    Python has no instances of jsii's interfaces: an imported resource is a proxy for several of them.
    """
    kinds = [type(value), *map(type, getattr(value, "_delegates", ()))]
    return any(hasattr(kind, attribute) for kind in kinds)


def type_errors(prop: str, value: object, attribute: str, expected: str) -> list[str]:
    """The error for a given value without the attribute that identifies the expected type."""
    return [] if value is None or has_attribute(value, attribute) else [f"{prop}: must be {expected}"]


def string_error(prop: str, value: object) -> str:
    """The error for a value that is not a string."""
    return f"{prop}: must be a string{how_to_get_string(value)}"


def how_to_get_string(value: object) -> str:
    """The end of an error: how to get a string from a value that is known only at deployment."""
    if isinstance(value, CfnParameter):
        return "; for a CfnParameter, use .value_as_string"
    if isinstance(value, SecretValue):
        return ", not a secret, which CloudFormation doesn't resolve here; use a CfnParameter with no_echo=True"
    return "; for a token, use .to_string()" if has_attribute(value, "resolve") else ""
