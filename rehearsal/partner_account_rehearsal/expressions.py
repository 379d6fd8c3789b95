"""Values of a CloudFormation template: their references, and their form as text."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any


def replace_references(value: Any, replacement: Callable[[str, str], Any]) -> Any:
    """The value with its references (`Ref`, `Fn::GetAtt`, `${…}` in `Fn::Sub`) replaced.

    `replacement` gets a logical id and an attribute, empty for a `Ref`; if it returns None, the reference stays.
    """
    if isinstance(value, list):
        return [replace_references(one, replacement) for one in value]
    if not isinstance(value, Mapping):
        return value
    replaced: Any
    match next(iter(value.items())) if len(value) == 1 else None:
        case "Ref", str(name):
            replaced = replacement(name, "")
        case "Fn::GetAtt", target:
            words = target if isinstance(target, str) else ".".join(map(str, target))
            logical_id, _, attribute = words.partition(".")
            replaced = replacement(logical_id, attribute)
        case "Fn::Sub", str(text):
            replaced = {"Fn::Sub": _replace_in_text(text, replacement)}
        case "Fn::Sub", [str(text), Mapping() as own]:
            in_text = _replace_in_text(text, lambda name, more: None if name in own else replacement(name, more))
            replaced = {"Fn::Sub": [in_text, replace_references({**own}, replacement)]}
        case _:
            replaced = {key: replace_references(one, replacement) for key, one in value.items()}
    return value if replaced is None else replaced


def _replace_in_text(text: str, replacement: Callable[[str, str], Any]) -> str:
    def replaced(found: re.Match[str]) -> str:
        other = replacement(found[1], found[2] or "")
        return other if isinstance(other, str) else found[0]

    return re.sub(r"\$\{(\w+)(?:\.([\w.]+))?\}", replaced, text)


def references(value: object) -> list[str]:
    """The logical ids and parameters that a value refers to, pseudo parameters left out."""
    found: list[str] = []
    replace_references(value, lambda logical_id, _attribute: found.append(logical_id))
    return [one for one in found if not one.startswith("AWS::")]


def to_text(value: object) -> str:
    """The value as one line of text; what only CloudFormation knows is written `${…}`, as in `Fn::Sub`."""
    if isinstance(value, list):
        return ", ".join(map(to_text, value))
    if not isinstance(value, Mapping):
        return str(value)
    if len(value) != 1:
        return json.dumps(value)
    match next(iter(value.items())):
        case "Fn::Join", [separator, parts]:
            return str(separator).join(map(to_text, parts))
        case "Fn::Sub", text:
            return text if isinstance(text, str) else str(text[0])
        case "Ref", reference:
            pass
        case "Fn::GetAtt", target:
            reference = target if isinstance(target, str) else ".".join(target)
        case function, argument:
            reference = f"{function.removeprefix('Fn::')} {to_text(argument)}"
    return f"${{{reference}}}"
