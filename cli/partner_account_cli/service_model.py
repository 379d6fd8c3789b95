"""Holds a request against the limits of the service's own model, of which botocore checks only some before it sends."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from partner_account_cli.errors import CommandError

_READABLE = 20
"""Longer patterns help nobody."""


def require(client: Any, operation: str, members: Mapping[str, Any]) -> None:
    """Refuse a request that the service would refuse, all mistakes at once, in the words of the command's options.

    Raises:
        CommandError: what is wrong with which option; its value is not repeated.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    if wrong := list(_mistakes(shape, members)):
        raise CommandError("; ".join(wrong), "Correct what this names.")


def _mistakes(shape: Any, members: Mapping[str, Any]) -> Iterator[str]:
    for name, value in members.items():
        member = shape.members[name]
        if member.type_name == "structure":
            yield from _mistakes(member, value)
        else:
            yield from (f"{_option(name)} {wrong}" for wrong in _mistake(member, value))


def _mistake(member: Any, value: str) -> Iterator[str]:
    shortest, longest = member.metadata.get("min", 0), member.metadata.get("max", len(value))
    pattern = member.metadata.get("pattern")
    if not shortest <= len(value) <= longest:
        exactly = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        yield f"has {len(value)} characters, and may have {exactly}"
    elif pattern and not re.fullmatch(pattern, value):
        yield (
            f"has not the form {pattern}" if len(pattern) < len("[A-Za-z0-9]{99}") else "has not the form it must have"
        )


def _option(member: str) -> str:
    return "--" + re.sub(r"(?<!^)(?=[A-Z])", "-", member).lower()
