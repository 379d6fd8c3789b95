"""Tells literal texts from tokens, whose values are known only at deployment."""

from aws_cdk import Token


def holds_token(text: str) -> bool:
    """Whether a text is a token or holds one.

    CDK writes a token in a text as ``${Token[…]}``, and is asked only about texts that look so: each question goes to
    another process, and a partner has a dozen texts.
    """
    return "${Token[" in text and Token.is_unresolved(text)
