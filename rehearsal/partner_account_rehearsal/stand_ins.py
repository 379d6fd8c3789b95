"""What the local AWS can't create, and what is put in its place so that the rest of the app can be rehearsed.

CloudFormation itself is asked which types it doesn't know, as it would refuse the whole template for one of them.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.assembly import Assembly, Template

# It has no properties, and creating it does nothing.
_NOTHING = "AWS::CloudFormation::WaitConditionHandle"
_KEPT = {"Condition", "DependsOn", "Metadata"}


@dataclass(frozen=True)
class Unsupported:
    """A type that the local AWS doesn't know, and the paths of the constructs that are of it."""

    type: str
    paths: list[str]


def unsupported_in(assembly: Assembly, cloudformation: Any) -> list[Unsupported]:
    """The types that this CloudFormation can't create, with the resources that are of them."""
    placed = [one for stack in assembly.stacks for one in stack.resources()]
    unknown = _unknown_types({one.type for one in placed}, cloudformation)
    return [Unsupported(kind, [one.path for one in placed if one.type == kind]) for kind in sorted(unknown)]


def _unknown_types(types: Iterable[str], cloudformation: Any) -> set[str]:
    resources = {f"R{number}": {"Type": kind} for number, kind in enumerate(sorted(types))}
    try:
        cloudformation.validate_template(TemplateBody=json.dumps({"Resources": resources}))
    except ClientError as error:
        message = error.response["Error"]["Message"]
        if not (found := re.search(r"Unrecognized resource types: \[(.*)\]", message)):
            raise RehearsalError(f"the local AWS refuses the app's resource types: {message}") from error
        return set(found[1].split(", "))
    return set()


def put_stand_ins(assembly: Assembly, types: Iterable[str]) -> None:
    """Replace each resource of these types by one that does nothing, and each reference to it by a made-up value."""
    unknown = set(types)
    for file in {file for stack in assembly.stacks for file in stack.files()} if unknown else ():
        template: Template = json.loads(file.read_text("utf-8"))
        absent = {key for key, resource in template["Resources"].items() if resource["Type"] in unknown}
        for key in absent:
            kept = {name: value for name, value in template["Resources"][key].items() if name in _KEPT}
            template["Resources"][key] = {**kept, "Type": _NOTHING}
        file.write_text(json.dumps({name: _without(part, absent) for name, part in template.items()}), "utf-8")


def _without(value: Any, absent: set[str]) -> Any:
    """The value with each reference to an absent resource replaced."""
    if isinstance(value, list):
        return [_without(one, absent) for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(name := value.get("Ref"), str) and name in absent:
        return made_up(name)
    if "Fn::GetAtt" in value:
        words = value["Fn::GetAtt"]
        logical_id, _, attribute = (words if isinstance(words, str) else ".".join(map(str, words))).partition(".")
        return made_up(logical_id, attribute) if logical_id in absent else value
    if "Fn::Sub" in value:
        return {"Fn::Sub": _in_text(value["Fn::Sub"], absent)}
    return {key: _without(one, absent) for key, one in value.items()}


def _in_text(argument: Any, absent: set[str]) -> Any:
    if isinstance(argument, list):
        return [_in_text(argument[0], absent), *(_without(one, absent) for one in argument[1:])]

    def replaced(found: re.Match[str]) -> str:
        return made_up(found[1], found[2] or "") if found[1] in absent else found[0]

    return re.sub(r"\$\{(\w+)(?:\.([\w.]+))?\}", replaced, argument)


def made_up(logical_id: str, attribute: str = "") -> str:
    """What a reference to an absent resource says instead; an ARN where one is asked for."""
    name = "-".join(filter(None, ("not-rehearsed", logical_id, attribute.replace(".", "-"))))
    return f"arn:aws:rehearsal:us-east-1:000000000000:{name}" if attribute.endswith("Arn") else name
