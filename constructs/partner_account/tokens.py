"""Tells literal texts from tokens, whose values are known only at deployment."""

from aws_cdk import Token


def known(text: str) -> str | None:
    """The text, or None if it is known only at deployment."""
    return None if holds_token(text) else text


def holds_token(text: object) -> bool:
    """Whether it is a text that is a token or holds one.

    CDK writes a token in a text as ``${Token[…]}``, and is asked only about texts that look so: each question goes to
    another process, and a partner has a dozen texts.
    """
    return isinstance(text, str) and "${Token[" in text and Token.is_unresolved(text)
