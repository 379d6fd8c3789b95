"""Resources that the local AWS can't create: found before the deployment, and replaced by something that does nothing.

CloudFormation itself determines which types it doesn't know, since it would reject the whole template for one of them.
For a custom resource, what its function needs decides, and not its type.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.assembly import Stack, Template, TemplateResource
from partner_account_rehearsal.expressions import references, replace_references, to_text
from partner_account_rehearsal.partners import OWN_TYPES, PARTNER_TYPE

# It has no properties, and creating it does nothing.
_PLACEHOLDER = "AWS::CloudFormation::WaitConditionHandle"
_KEPT = {"Condition", "DependsOn", "Metadata"}
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
_UNKNOWN_TYPE, _CHOSEN = "the local AWS doesn't know the type", "chosen by --stand-in"

_LAYER_FILE = re.compile(r"""["'](/opt/[^"'\s]+)""")
_CODE = (".py", ".js", ".mjs", ".cjs")
# Names of properties that take a list, which a single value doesn't show.
_LIST = re.compile(r"(Addresses|Arns|Blocks|Entries|Groups|Ids|Names|Subnets|Zones)$")


@dataclass(frozen=True)
class StandIn:
    """Resources of one type for which something that does nothing is deployed: the paths, and why."""

    type: str
    paths: list[str] = field(default_factory=list)
    reason: str = ""


def find_stand_ins(
    stacks: Sequence[Stack], cloudformation: Any, patterns: Iterable[str], *, strict: bool = True
) -> list[tuple[TemplateResource, str]]:
    """The resources that can't be created here or that the user leaves out, each with the reason.

    `patterns` are types, construct paths, or their parents, with `*`.

    Raises:
        RehearsalError: a pattern matches a partner account, its function or, if this is `strict`, nothing.
    """
    resources = {stack.id: [*stack.resources()] for stack in stacks}
    everything = [one for several in resources.values() for one in several]
    unknown = _unknown_types({one.type for one in everything}, cloudformation)
    functions = {
        (function.file, function.logical_id)
        for stack in stacks
        for one in resources[stack.id]
        if one.type == PARTNER_TYPE and (function := _function_of(_service_token(one), stack, stacks)[0])
    }
    chosen: set[int] = set()
    for pattern in patterns:
        fitting = [one for one in everything if _matches(one, pattern)]
        if strict and not fitting:
            raise RehearsalError(f"--stand-in {pattern}: no resource has this type or path")
        if partner := next((one for one in fitting if one.type == PARTNER_TYPE), None):
            raise RehearsalError(f"--stand-in {pattern} would omit the partner account {partner.path}")
        if function := next((one for one in fitting if (one.file, one.logical_id) in functions), None):
            raise RehearsalError(
                f"--stand-in {pattern} would omit the partner account's function {function.path}: "
                "specify the other resources by their paths"
            )
        chosen |= {id(one) for one in fitting}
    found: list[tuple[TemplateResource, str]] = []
    for stack in stacks:
        for one in resources[stack.id]:
            reason = _CHOSEN if id(one) in chosen else _UNKNOWN_TYPE if one.type in unknown else ""
            if not reason and one.type.startswith(_CUSTOM) and one.type not in OWN_TYPES:
                reason = "; ".join(_obstacles_of_function(one, stack, stacks))
            if reason:
                found.append((one, reason))
    return found


def describe(found: Iterable[tuple[TemplateResource, str]]) -> list[StandIn]:
    """The stand-ins, by type and reason."""
    described: dict[tuple[str, str], StandIn] = {}
    for resource, reason in found:
        stand_in = described.setdefault((resource.type, reason), StandIn(resource.type, reason=reason))
        stand_in.paths.append(resource.path)
    return sorted(described.values(), key=lambda one: (one.type, one.reason))


def replace_public_parameters(stacks: Iterable[Stack]) -> list[StandIn]:
    """Replace AWS's own SSM parameters, such as image ids, with made-up values, and return them."""
    names: dict[str, None] = {}
    for file in {file for stack in stacks for file in stack.template_files()}:
        template: Template = json.loads(file.read_text("utf-8"))
        for name, parameter in template.get("Parameters", {}).items():
            ssm_name = str(parameter.get("Default", ""))
            if str(parameter["Type"]).startswith("AWS::SSM::") and ssm_name.startswith("/aws/service/"):
                names[ssm_name] = None
                value = "ami-00000000000000000" if "EC2::Image" in parameter["Type"] else _made_up_value(name, "")
                kind = "CommaDelimitedList" if "List<" in parameter["Type"] else "String"
                template["Parameters"][name] = {"Type": kind, "Default": value}
        file.write_text(json.dumps(template), "utf-8")
    return [StandIn("SSM parameter", [*names], "it exists in every account, but not in the local AWS")] if names else []


def unbuilt_images(stacks: Iterable[Stack]) -> list[StandIn]:
    """The container images of these stacks, which aren't built here."""
    images = [image for stack in stacks for image in stack.assets.get("dockerImages", {}).values()]
    paths = [str(image.get("displayName") or image["source"].get("directory", "")) for image in images]
    return [StandIn("container image", paths, "it is neither built nor published here")] if paths else []


def _matches(resource: TemplateResource, pattern: str) -> bool:
    return fnmatchcase(resource.type, pattern) or any(
        fnmatchcase(resource.path, one) for one in (pattern, f"{pattern.rstrip('/')}/*")
    )


def _unknown_types(types: Iterable[str], cloudformation: Any) -> set[str]:
    body = json.dumps({"Resources": {f"R{number}": {"Type": kind} for number, kind in enumerate(sorted(types))}})
    try:
        cloudformation.validate_template(TemplateBody=body)
    except ClientError as error:
        message = error.response["Error"]["Message"]
        if not (found := re.search(r"Unrecognized resource types: \[(.*)\]", message)):
            raise RehearsalError(f"the local AWS rejects the app's resource types: {message}") from error
        return set(found[1].split(", "))
    return set()


# What a custom resource's function needs


def _obstacles_of_function(resource: TemplateResource, stack: Stack, stacks: Sequence[Stack]) -> Iterator[str]:
    """Why the local Lambda can't run the function of a custom resource, as far as that is known before."""
    token = _service_token(resource)
    if isinstance(token, str):
        yield f"its service token {token} is not in these stacks"
        return
    function, its_stack = _function_of(token, stack, stacks)
    if function is None:
        return
    properties = function.properties
    runtime = str(properties.get("Runtime", ""))
    if properties.get("PackageType") == "Image":
        yield "its function is a container image, and there is no Docker here"
    elif not runtime.startswith(("python", "nodejs", "provided")):
        yield f"its function needs the runtime {runtime}, which the local Lambda lacks"
    folder = its_stack.asset(str(properties.get("Code", {}).get("S3Key", "")))
    files = [*folder.rglob("*")] if folder and properties.get("Layers") else []
    texts = (file.read_text("utf-8", "replace") for file in files if file.suffix in _CODE)
    if layer_files := sorted({name for text in texts for name in _LAYER_FILE.findall(text)}):
        yield f"its function needs {', '.join(layer_files)} of a layer, and the local Lambda has no /opt"


def _service_token(resource: TemplateResource) -> Any:
    return resource.resolve_parameters(resource.properties.get("ServiceToken", ""))


def _function_of(token: Any, stack: Stack, stacks: Sequence[Stack]) -> tuple[TemplateResource | None, Stack]:
    """The function that a service token in this stack refers to, and its stack."""
    if isinstance(token, Mapping) and (name := token.get("Fn::ImportValue")):
        for exporting in stacks:
            for output in exporting.template.get("Outputs", {}).values():
                if to_text(output.get("Export", {}).get("Name", "")) == to_text(name):
                    return _function_of(output["Value"], exporting, stacks)
    named = references(token)
    functions = (one for one in stack.resources() if one.type == "AWS::Lambda::Function")
    return next((one for one in functions if one.logical_id in named), None), stack


# The stand-ins


def replace_by_stand_ins(resources: Iterable[TemplateResource]) -> None:
    """Replace each with one that does nothing, and each reference to it with made-up values."""
    absent: dict[Path, set[str]] = {}
    for resource in resources:
        absent.setdefault(resource.file, set()).add(resource.logical_id)
    for file, logical_ids in absent.items():
        template: Template = json.loads(file.read_text("utf-8"))
        for key in logical_ids:
            kept = {name: value for name, value in template["Resources"][key].items() if name in _KEPT}
            template["Resources"][key] = {**kept, "Type": _PLACEHOLDER}
        made_up: set[str] = set()

        def replacement(
            logical_id: str, attribute: str, absent: set[str] = logical_ids, made_up: set[str] = made_up
        ) -> str | None:
            if logical_id not in absent:
                return None
            made_up.add(value := _made_up_value(logical_id, attribute))
            return value

        replaced = replace_references(template, replacement)
        file.write_text(json.dumps(_evaluate(replaced, made_up)), "utf-8")


def _made_up_value(logical_id: str, attribute: str) -> str:
    """The value of a reference to an absent resource: an ARN or a port where one is expected."""
    if attribute.endswith("Port"):
        return "443"
    name = "-".join(filter(None, ("not-rehearsed", logical_id, attribute.replace(".", "-"))))
    return f"arn:aws:rehearsal:us-east-1:000000000000:{name}" if attribute.endswith("Arn") else name


def _evaluate(value: Any, made_up: set[str]) -> Any:
    """Evaluate the functions that split made-up values: they may expect parts, or items, that these lack."""
    if isinstance(value, list):
        return [_evaluate(one, made_up) for one in value]
    if not isinstance(value, Mapping):
        return value
    evaluated: Any = {
        name: [one] if isinstance(one, str) and one in made_up and _LIST.search(name) else _evaluate(one, made_up)
        for name, one in value.items()
    }
    match evaluated:
        case {"Fn::Join": [str(separator), [*parts]]} if all(isinstance(one, str) for one in parts):
            result: Any = separator.join(parts)
        case {"Fn::Join": [_, str(text)]} | {"Fn::Select": [_, str(text)]}:
            result = text
        case {"Fn::Split": [str(separator), str(text)]}:
            result = text.split(separator)
        case {"Fn::Select": [index, [*items]]} if items:
            result = items[min(int(index), len(items) - 1)]
        case _:
            return evaluated
    return result if any(one in str(evaluated) for one in made_up) else evaluated
