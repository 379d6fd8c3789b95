"""Tells tokens from literals without asking CDK about each: a question to it is a message to Node.js, and one back."""

from aws_cdk import Token


def is_token(text: object) -> bool:
    """Whether it is a string that holds a token, which CDK writes as `${Token[…]}`."""
    return isinstance(text, str) and "${" in text and Token.is_unresolved(text)
