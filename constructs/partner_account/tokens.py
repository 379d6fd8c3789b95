"""Tells literal texts from those whose values are known only at deployment, and looks into these once they are made."""

import re
from collections.abc import Iterator, Mapping

import jsii
from aws_cdk import Stack, Token
from constructs import IValidation

from partner_account.once import once
from partner_account_handler.texts import text_mistakes

_TOKEN = re.compile(r"\$\{Token\[[A-Za-z0-9:._-]*\]\}")

# The one dynamic reference that CloudFormation resolves in the properties of a custom resource.
_SSM_REFERENCE = re.compile(r"\{\{resolve:ssm:[^{}]+\}\}")


def known(text: str) -> str | None:
    """The text, or None if it is known only at deployment."""
    return None if is_left_to_deployment(text) else text


def is_left_to_deployment(text: object) -> bool:
    """Whether it is a text that holds a token, or a dynamic reference to an SSM parameter."""
    return holds_token(text) or (isinstance(text, str) and _SSM_REFERENCE.search(text) is not None)


def holds_token(text: object) -> bool:
    """Whether it is a text that is a token or holds one.

    CDK writes a token in a text as ``${Token[…]}``, and is asked only about texts that look so: each question goes to
    another process, and a partner has a dozen texts.
    """
    return isinstance(text, str) and "${Token[" in text and Token.is_unresolved(text)


def literal_in(text: str) -> str:
    """The text with an x for each character that is known only at deployment."""
    without_tokens = _TOKEN.sub(_crossed_out, text)
    return _SSM_REFERENCE.sub(_crossed_out, without_tokens)


def _crossed_out(found: re.Match[str]) -> str:
    return "x" * len(found[0])


@jsii.implements(IValidation)
class TokenRules:
    """Reports what can't be meant in texts that held tokens, once synth knows what these stand for.

    Not earlier: some tokens get their value only then, such as `Lazy`, which takes the first answer for good.
    """

    def __init__(self, stack: Stack) -> None:
        """Start without any text; use `of`."""
        self._stack = stack
        self._texts: dict[str, Mapping[str, str]] = {}
        stack.node.add_validation(self)

    @staticmethod
    @once
    def of(stack: Stack) -> "TokenRules":
        """The rules for a stack's partners."""
        return TokenRules(stack)

    def watch(self, path: str, texts: Mapping[str, str]) -> None:
        """Watch the texts of the partner at `path`, by their props."""
        self._texts[path] = texts

    def validate(self) -> list[str]:
        """Say what is wrong with them; nothing if they are all right."""
        resolved: Mapping[str, Mapping[str, object]] = self._stack.resolve(self._texts)
        return [
            f"{path}: {prop}: {mistake}"
            for path, texts in resolved.items()
            for prop, value in texts.items()
            for mistake in text_mistakes(literal_in("".join(_parts(value))))
        ]


def _parts(value: object) -> Iterator[str]:
    """What of a resolved text CloudFormation takes as it is, and an x for all that it works out."""
    match value:
        case str():
            yield value
        case {"Fn::Join": [str(), [*parts]]}:
            for part in parts:
                yield part if isinstance(part, str) else "x"
        case _:
            yield "x"
