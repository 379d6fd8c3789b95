"""The app's cloud assembly, as `cdk synth` has written it: its stacks, their environments and their templates.

Only what the assembly specifies for CloudFormation and the CLI is read here. Other modules know what a partner account
is.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from partner_account_rehearsal.expressions import replace_references

Template = dict[str, Any]
NESTED_STACK = "AWS::CloudFormation::Stack"
_UNKNOWN = ("unknown-account", "unknown-region")


@dataclass(frozen=True)
class TemplateResource:
    """A resource, and its template.

    Attributes:
        logical_id: its key in that template.
        template: the whole template.
        file: the file of the template.
        parents: the nested stacks that contain it, from the outermost one inward.
    """

    logical_id: str
    template: Template
    file: Path
    parents: tuple["TemplateResource", ...] = ()

    @property
    def root(self) -> str:
        """The key, in the stack's own template, of the resource itself or of the nested stack that contains it."""
        return (*self.parents, self)[0].logical_id

    @property
    def definition(self) -> Mapping[str, Any]:
        """The resource as the template defines it."""
        found: Mapping[str, Any] = self.template["Resources"][self.logical_id]
        return found

    @property
    def type(self) -> str:
        """Such as `AWS::S3::Bucket`."""
        return str(self.definition["Type"])

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties."""
        found: Mapping[str, Any] = self.definition.get("Properties", {})
        return found

    @property
    def nested_template(self) -> str:
        """The file of a nested stack's template; empty if CDK didn't write it, since others may be YAML."""
        asset = str(self.definition.get("Metadata", {}).get("aws:asset:path", ""))
        return asset if self.type == NESTED_STACK and asset.endswith(".template.json") else ""

    @property
    def path(self) -> str:
        """Its construct's path in the app, or its logical id if CDK has written none."""
        path = str(self.definition.get("Metadata", {}).get("aws:cdk:path", self.logical_id))
        path = re.sub(r"/([^/]+)\.NestedStack/\1\.NestedStackResource$", r"/\1", path)
        return re.sub(r"/(Resource|Default)$", "", path)

    def resolve_parameters(self, value: Any) -> Any:
        """A value of its template, resolved to the stack's own one, which passes nested stacks their parameters."""
        template = self.template
        for parent in reversed(self.parents):
            defaults = {name: one.get("Default") for name, one in template.get("Parameters", {}).items()}
            given = {**defaults, **parent.properties.get("Parameters", {})}
            known = {(name, ""): one for name, one in given.items()}
            value = replace_references(value, lambda *reference, known=known: known.get(reference))
            template = parent.template
        return value


@dataclass(frozen=True)
class Stack:
    """One stack of the app.

    Attributes:
        id: its id in the CLI: its construct's path.
        name: its name in CloudFormation.
        account, region: its environment; empty if the app doesn't specify it.
        dependencies: the ids of the stacks that the CLI deploys before it.
        bootstrap_parameter: the SSM parameter with the bootstrap version of its environment; empty if none is read.
    """

    id: str
    name: str
    account: str
    region: str
    dependencies: tuple[str, ...]
    bootstrap_parameter: str
    _folder: Path
    _file: str
    _asset_url: str

    @cached_property
    def template(self) -> Template:
        """The stack's own template."""
        return _read(self._folder / self._file)

    def resources(self) -> Iterator[TemplateResource]:
        """All its resources, those of its nested stacks included."""
        return _resources(self._folder / self._file, ())

    def template_files(self) -> Iterator[Path]:
        """The files of its templates, those of its nested stacks included."""
        yield self._folder / self._file
        yield from {one.file for one in self.resources() if one.parents}

    @cached_property
    def assets(self) -> Mapping[str, Any]:
        """The `files` and `dockerImages` that the CLI publishes for it, by their hashes."""
        return _read(self._assets_file) if self._assets_file.exists() else {}

    @property
    def _assets_file(self) -> Path:
        return self._folder / self._file.replace(".template.json", ".assets.json")

    def drop_images(self) -> None:
        """Keep the CLI from building and publishing its container images."""
        if self.assets.get("dockerImages"):
            self._assets_file.write_text(json.dumps({**self.assets, "dockerImages": {}}), "utf-8")

    def asset(self, key: str) -> Path | None:
        """The file or folder that the CLI publishes under this key; None if it publishes nothing there."""
        for one in self.assets.get("files", {}).values():
            if any(destination["objectKey"] == key for destination in one["destinations"].values()):
                return self._folder / str(one["source"].get("path", ""))
        return None

    def replace_template(self, template: Template) -> None:
        """Write another template in place of its own, under another name in the assets' bucket.

        The former one may already be there under its name, which is its hash.
        """
        text = json.dumps(template)
        (self._folder / self._file).write_text(text, "utf-8")
        former = Path(self._asset_url).stem
        for file in self._folder.glob("*.json") if former else ():
            if former in (content := file.read_text("utf-8")):
                file.write_text(content.replace(former, hashlib.sha256(text.encode()).hexdigest()), "utf-8")


@dataclass(frozen=True)
class Assembly:
    """A cloud assembly in a folder; `selected` are the ids of the selected stacks, in the order of deployment."""

    folder: Path
    selected: tuple[str, ...] = ()

    @cached_property
    def stacks(self) -> list[Stack]:
        """The selected stacks, in their order."""
        by_id = {stack.id: stack for stack in _stacks(self.folder)}
        return [by_id[one] for one in self.selected if one in by_id]

    def dependencies_of(self, stack: Stack) -> list[str]:
        """The ids of the selected stacks that must be deployed before that one, in their order."""
        by_id = {one.id: one for one in self.stacks}
        needed: set[str] = set()
        waiting = [*stack.dependencies]
        while waiting:
            if (one := waiting.pop()) in by_id and one not in needed:
                needed.add(one)
                waiting += by_id[one].dependencies
        return [one for one in self.selected if one in needed]

    def copy_to(self, folder: Path, selected: tuple[str, ...] = ()) -> "Assembly":
        """A copy that can be changed, by default with the same stacks selected."""
        shutil.copytree(self.folder, folder)
        return Assembly(folder, selected or self.selected)


class ConstructPaths:
    """The construct path of each resource, by the name of its stack and its logical id."""

    def __init__(self, stacks: Iterable[Stack] = ()) -> None:
        """Note all resources of these stacks."""
        self._paths = {
            ((stack.name, *(parent.logical_id for parent in one.parents)), one.logical_id): one.path
            for stack in stacks
            for one in stack.resources()
        }
        # The innermost first: its name begins with that of the stack around it.
        chains = sorted({chain for chain, _ in self._paths}, key=len, reverse=True)
        self._chains = [(_stack_name_pattern(chain), chain) for chain in chains]

    def of_resource(self, stack_name: str, logical_id: str) -> str:
        """The path of a resource; its logical id if it is not one of the app's."""
        return self._paths.get((self._chain(stack_name), logical_id), logical_id)

    def of_stack(self, stack_name: str) -> str:
        """The path of a nested stack; the name of any other."""
        chain = self._chain(stack_name)
        return self._paths[chain[:-1], chain[-1]] if len(chain) > 1 else stack_name

    def _chain(self, stack_name: str) -> tuple[str, ...]:
        return next((chain for pattern, chain in self._chains if pattern.fullmatch(stack_name)), ())


def all_stack_ids(folder: Path) -> tuple[str, ...]:
    """The ids of all stacks of an assembly, in an order in which they can be deployed."""
    return tuple(TopologicalSorter({stack.id: stack.dependencies for stack in _stacks(folder)}).static_order())


def drop_missing_context(folder: Path) -> list[str]:
    """Let the CLI accept an assembly with missing context, and return the keys, which have made-up values."""
    missing: dict[str, None] = {}
    for file in folder.rglob("manifest.json"):
        manifest = _read(file)
        for one in manifest.pop("missing", ()):
            missing[one["key"]] = None
        file.write_text(json.dumps(manifest), "utf-8")
    return [*missing]


def _stack_name_pattern(chain: tuple[str, ...]) -> re.Pattern[str]:
    """The name that CloudFormation gives a stack: for a nested one, its parent's, its logical id, and a random part."""
    outermost, *nested = map(re.escape, chain)
    return re.compile(outermost + "".join(rf"-{logical_id}-[\w-]+" for logical_id in nested))


def _stacks(folder: Path) -> Iterator[Stack]:
    artifacts = _read(folder / "manifest.json").get("artifacts", {})
    stack_ids = {
        key: artifact.get("displayName", key)
        for key, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    for key, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(folder / properties["directoryName"])
        if key in stack_ids:
            account, region = artifact["environment"].removeprefix("aws://").split("/")
            yield Stack(
                id=stack_ids[key],
                name=properties.get("stackName", key),
                account="" if account in _UNKNOWN else account,
                region="" if region in _UNKNOWN else region,
                dependencies=tuple(stack_ids[one] for one in artifact.get("dependencies", ()) if one in stack_ids),
                bootstrap_parameter=properties.get("bootstrapStackVersionSsmParameter", ""),
                _folder=folder,
                _file=properties["templateFile"],
                _asset_url=properties.get("stackTemplateAssetObjectUrl", ""),
            )


def _resources(file: Path, parents: tuple[TemplateResource, ...]) -> Iterator[TemplateResource]:
    template = _read(file)
    for logical_id in template.get("Resources", {}):
        yield (resource := TemplateResource(logical_id, template, file, parents))
        if nested := resource.nested_template:
            yield from _resources(file.parent / nested, (*parents, resource))


def _read(file: Path) -> Template:
    read: Template = json.loads(file.read_text("utf-8"))
    return read
