"""Tells values of another type than a prop takes, in sentences that show what to write. No value is repeated."""

from aws_cdk import CfnParameter, SecretValue


def offers(value: object, attribute: str) -> bool:
    """Whether a value has what an interface of CDK promises, such as a role its `role_arn`.

    Python knows no instances of jsii's interfaces: an imported resource is a proxy that stands for several of them.
    """
    kinds = [type(value), *map(type, getattr(value, "_delegates", ()))]
    return any(hasattr(kind, attribute) for kind in kinds)


def kind_mistakes(prop: str, value: object, attribute: str, wanted: str) -> list[str]:
    """Say that a value lacks the attribute, and so is not what is wanted; nothing of a value that isn't given."""
    return [] if value is None or offers(value, attribute) else [f"{prop}: must be {wanted}"]


def no_text(prop: str, value: object) -> str:
    """Say that a value is no text, and how one is made of it."""
    return f"{prop}: must be a string{as_text(value)}"


def as_text(value: object) -> str:
    """The end of a sentence: how a text is made of a value that stands for one known at deployment."""
    if isinstance(value, CfnParameter):
        return "; of a CfnParameter take .value_as_string"
    if isinstance(value, SecretValue):
        return ", and no secret, which CloudFormation doesn't resolve here; use a CfnParameter with no_echo=True"
    return "; of a token take .to_string()" if offers(value, "resolve") else ""
