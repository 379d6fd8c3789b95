"""The app's cloud assembly, as `cdk synth` has written it: its stacks, their environments and their templates.

Of the assembly's format only what CloudFormation and the CLI are told is read here. What a partner account is,
other modules know.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

Template = dict[str, Any]
NESTED_STACK = "AWS::CloudFormation::Stack"
_UNKNOWN = ("unknown-account", "unknown-region")


@dataclass(frozen=True)
class Placed:
    """A resource, and the template in which it stands.

    Attributes:
        logical_id: its key in that template.
        template: the whole template.
        holders: the nested stacks that hold it, from the outermost one inwards.
    """

    logical_id: str
    template: Template
    holders: tuple["Placed", ...] = ()

    @property
    def within(self) -> tuple[str, ...]:
        """The keys of the nested stacks that hold it, from the outermost one inwards."""
        return tuple(holder.logical_id for holder in self.holders)

    @property
    def root(self) -> str:
        """The key, in the stack's own template, of the resource itself or of the nested stack that holds it."""
        return (*self.within, self.logical_id)[0]

    @property
    def resource(self) -> Mapping[str, Any]:
        """The resource as the template describes it."""
        found: Mapping[str, Any] = self.template["Resources"][self.logical_id]
        return found

    @property
    def type(self) -> str:
        """Such as `AWS::S3::Bucket`."""
        return str(self.resource["Type"])

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties."""
        found: Mapping[str, Any] = self.resource.get("Properties", {})
        return found

    @property
    def path(self) -> str:
        """Its construct's path in the app, or its logical id if CDK has written none."""
        path = str(self.resource.get("Metadata", {}).get("aws:cdk:path", self.logical_id))
        path = re.sub(r"/([^/]+)\.NestedStack/\1\.NestedStackResource$", r"/\1", path)
        return re.sub(r"/(Resource|Default)$", "", path)

    def seen_from_outside(self, value: Any) -> Any:
        """A value of its template in the terms of the stack's own one, which gives nested stacks their parameters."""
        template = self.template
        for holder in reversed(self.holders):
            declared = template.get("Parameters", {})
            defaults = {name: one["Default"] for name, one in declared.items() if "Default" in one}
            value = _with_parameters(value, {**defaults, **holder.properties.get("Parameters", {})})
            template = holder.template
        return value


@dataclass(frozen=True)
class Stack:
    """One stack of the app.

    Attributes:
        id: what the CLI calls it: its construct's path.
        name: its name in CloudFormation.
        account, region: where it belongs; empty if the app leaves that open.
        dependencies: the ids of the stacks that the CLI deploys before it.
    """

    id: str
    name: str
    account: str
    region: str
    dependencies: tuple[str, ...]
    _folder: Path
    _file: str
    _asset_url: str

    @cached_property
    def template(self) -> Template:
        """The stack's own template."""
        return _read(self._folder / self._file)

    def resources(self) -> Iterator[Placed]:
        """All its resources, those of its nested stacks included."""
        return _placed(self.template, self._folder, ())

    def files(self) -> Iterator[Path]:
        """The files of its templates, those of its nested stacks included."""
        yield self._folder / self._file
        for placed in self.resources():
            if placed.type == NESTED_STACK and (asset := _nested_file(placed.resource)):
                yield self._folder / asset

    def replace_template(self, template: Template) -> None:
        """Write another template in place of its own, under another name in the assets' bucket.

        Under its name, which is a hash of it, the former one may lie there already.
        """
        text = json.dumps(template)
        (self._folder / self._file).write_text(text, "utf-8")
        former = Path(self._asset_url).stem
        for file in self._folder.glob("*.json") if former else ():
            if former in (content := file.read_text("utf-8")):
                file.write_text(content.replace(former, hashlib.sha256(text.encode()).hexdigest()), "utf-8")


@dataclass(frozen=True)
class Assembly:
    """A cloud assembly in a folder; `selected` are the ids of the stacks that matter, in the order of deployment."""

    folder: Path
    selected: tuple[str, ...] = field(default=())

    @cached_property
    def stacks(self) -> list[Stack]:
        """The selected stacks, in their order."""
        everything = {stack.id: stack for stack in _stacks(self.folder)}
        return [everything[one] for one in self.selected if one in everything]

    def before(self, stack: Stack) -> list[str]:
        """The ids of the selected stacks that must be deployed before that one, in their order."""
        by_id = {one.id: one for one in self.stacks}
        needed: set[str] = set()
        waiting = [*stack.dependencies]
        while waiting:
            if (one := waiting.pop()) in by_id and one not in needed:
                needed.add(one)
                waiting += by_id[one].dependencies
        return [one for one in self.selected if one in needed]

    def copy_to(self, folder: Path) -> "Assembly":
        """A copy that can be changed."""
        shutil.copytree(self.folder, folder)
        return Assembly(folder, self.selected)


def _stacks(folder: Path) -> Iterator[Stack]:
    artifacts = _read(folder / "manifest.json").get("artifacts", {})
    ids = {key: artifact.get("displayName", key) for key, artifact in artifacts.items()}
    for key, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(folder / properties["directoryName"])
        if artifact["type"] == "aws:cloudformation:stack":
            account, region = _environment(artifact["environment"])
            yield Stack(
                id=ids[key],
                name=properties.get("stackName", key),
                account=account,
                region=region,
                dependencies=tuple(ids[one] for one in artifact.get("dependencies", ()) if _is_stack(artifacts, one)),
                _folder=folder,
                _file=properties["templateFile"],
                _asset_url=properties.get("stackTemplateAssetObjectUrl", ""),
            )


def _is_stack(artifacts: Mapping[str, Any], key: str) -> bool:
    return bool(artifacts.get(key, {}).get("type") == "aws:cloudformation:stack")


def _environment(url: str) -> tuple[str, str]:
    account, region = url.removeprefix("aws://").split("/")
    return ("" if account in _UNKNOWN else account), ("" if region in _UNKNOWN else region)


def _placed(template: Template, folder: Path, holders: tuple[Placed, ...]) -> Iterator[Placed]:
    for logical_id, resource in template.get("Resources", {}).items():
        yield (placed := Placed(logical_id, template, holders))
        if resource["Type"] == NESTED_STACK and (asset := _nested_file(resource)):
            yield from _placed(_read(folder / asset), folder, (*holders, placed))


def _with_parameters(value: Any, given: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_with_parameters(one, given) for one in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"Ref"} and value["Ref"] in given:
        return given[value["Ref"]]
    return {key: _with_parameters(one, given) for key, one in value.items()}


def _nested_file(resource: Mapping[str, Any]) -> str:
    asset = str(resource.get("Metadata", {}).get("aws:asset:path", ""))
    # Others than CDK's own may be anything, YAML too.
    return asset if asset.endswith(".template.json") else ""


def _read(file: Path) -> Template:
    read: Template = json.loads(file.read_text("utf-8"))
    return read


def in_words(value: object) -> str:
    """A value of a template as one line of text; what only CloudFormation knows is written `${…}`, as in `Fn::Sub`."""
    if isinstance(value, list):
        return ", ".join(map(in_words, value))
    if not isinstance(value, Mapping):
        return str(value)
    if set(value) == {"Ref"}:
        return f"${{{value['Ref']}}}"
    function, argument = next(iter(value.items()), ("", ""))
    return _function_in_words(function, argument) if len(value) == 1 else json.dumps(value)


def _function_in_words(function: str, argument: Any) -> str:
    if function == "Fn::Join":
        return str(argument[0]).join(map(in_words, argument[1]))
    if function == "Fn::GetAtt":
        return f"${{{argument if isinstance(argument, str) else '.'.join(argument)}}}"
    if function == "Fn::Sub":
        return argument if isinstance(argument, str) else str(argument[0])
    return f"${{{function.removeprefix('Fn::')} {in_words(argument)}}}"


def references(value: object) -> Iterable[str]:
    """The logical ids and parameters that a value of a template refers to, pseudo parameters left out."""
    if isinstance(value, list):
        yield from (found for one in value for found in references(one))
    elif isinstance(value, Mapping):
        for key, argument in value.items():
            if key == "Ref":
                yield from () if str(argument).startswith("AWS::") else [str(argument)]
            elif key == "Fn::GetAtt":
                yield str(argument).split(".")[0] if isinstance(argument, str) else str(argument[0])
            elif key == "Fn::Sub":
                text = argument if isinstance(argument, str) else argument[0]
                yield from re.findall(r"\$\{(?!AWS::|!)(\w+)", text)
            else:
                yield from references(argument)
