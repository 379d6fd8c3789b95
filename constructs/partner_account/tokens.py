"""Distinguishes literal texts from those known only at deployment, and finds the literal parts of the latter."""

import re
from collections.abc import Sequence

from aws_cdk import Token

_TOKEN = re.compile(r"\$\{Token\[[A-Za-z0-9:._-]*\]\}")

# The one dynamic reference that CloudFormation resolves in the properties of a custom resource.
_SSM_REFERENCE = re.compile(r"\{\{resolve:ssm:[^{}]+\}\}")


def known(text: str) -> str | None:
    """The text, or None if it is known only at deployment."""
    return None if is_left_to_deployment(text) else text


def is_left_to_deployment(text: object) -> bool:
    """Whether it is a text that contains a token, or a dynamic reference to an SSM parameter."""
    return holds_token(text) or (isinstance(text, str) and _SSM_REFERENCE.search(text) is not None)


def holds_token(text: object) -> bool:
    """Whether it is a text that is or contains a token, which CDK writes as ``${Token[…]}``."""
    # CDK runs in another process, and is called only for texts that look so.
    return isinstance(text, str) and "${Token[" in text and Token.is_unresolved(text)


def is_list_token(values: Sequence[object]) -> bool:
    """Whether it is a list whose entries are known only at deployment, which CDK writes as one ``#{Token[…]}``."""
    return any(isinstance(value, str) and "#{Token[" in value for value in values) and Token.is_unresolved(values)


def literal_in(text: str) -> str:
    """The text with an x for each character that is known only at deployment."""
    for pattern in (_TOKEN, _SSM_REFERENCE):
        text = pattern.sub(lambda found: "x" * len(found[0]), text)
    return text


def literal_in_resolved(value: object) -> str:
    """The parts of a resolved text that CloudFormation takes literally, with an x for each part that it resolves."""
    match value:
        case str():
            return literal_in(value)
        case {"Fn::Join": [str(), [*parts]]}:
            return literal_in("".join(part if isinstance(part, str) else "x" for part in parts))
        case _:
            return "x"
