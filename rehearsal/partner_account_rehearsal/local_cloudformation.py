"""CloudFormation on the local AWS: MiniStack's, with what AWS's does differently.

Custom resources don't wait for a response that can't come; outputs are found in other regions and in nested stacks;
nested stacks can be updated, and name the stacks that they are nested in; buckets have their tags, and VPCs their
address ranges; inline functions have the `cfn-response` module; resources are created in the template's order; events
have an order, and distinguish a resource that an update creates from one that it changes.
"""

# MiniStack has no hooks or settings for any of it.
# ruff: noqa: SLF001

import contextvars
import io
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ministack.core.responses import set_request_region
from ministack.services import ec2, lambda_svc, s3
from ministack.services.cloudformation import (
    _exports,
    _stack_events,
    _stacks,
    changesets,
    custom_resource,
    engine,
    handlers,
    provisioners,
    stacks,
)

SECONDS_FOR_AN_ANSWER = 300
"""How long to wait for a custom resource once its function has ended, whatever its service timeout is."""


_former_outputs: contextvars.ContextVar[Any] = contextvars.ContextVar("former_outputs", default=())
"""Of the nested stack that is updated."""


def install() -> None:
    """Replace MiniStack's own functions; before its first request."""
    custom_resource.register_token = _await_answer
    execute = lambda_svc._execute_function_with_config_scope
    lambda_svc._execute_function_with_config_scope = _fail_at_once(execute)
    resolve = _across_regions(engine._resolve_refs)
    engine._resolve_refs = changesets._resolve_refs = handlers._resolve_refs = stacks._resolve_refs = resolve
    sort = _in_template_order(engine._topological_sort)
    engine._topological_sort = changesets._topological_sort = stacks._topological_sort = sort
    provisioners._zip_inline = _with_cfn_response(provisioners._zip_inline)
    nested = provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::Stack"]
    nested["update"] = _keeping_outputs(nested["update"])
    provisioners._update_resource = _in_nested_stack(provisioners._update_resource)  # the others' is that of `stacks`
    actions = handlers._ACTION_HANDLERS
    actions["DescribeStacks"] = _with_ancestors(actions["DescribeStacks"])
    completions = {
        "AWS::S3::Bucket": _with_tags,
        "AWS::CloudFormation::Stack": _with_exports,
        "AWS::EC2::VPC": _with_address_ranges,
    }
    for kind, completed in completions.items():
        resource = provisioners._RESOURCE_HANDLERS[kind]
        resource.update({verb: completed(resource[verb]) for verb in ("create", "update")})
    stacks._add_event = _with_creations(stacks._add_event)
    # Events of a nested stack and of the stack around it often share a millisecond: by microseconds they have an order.
    stacks.now_iso = lambda: datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _with_cfn_response(zip_inline: Callable[..., bytes | None]) -> Callable[..., bytes | None]:
    """Let inline code find the module that responds to CloudFormation; other code doesn't have it.

    For Python, AWS adds it only for this exact statement, and for no other way to import it.
    """

    def zipped(source: str | None, handler: str, runtime: str) -> bytes | None:
        made = zip_inline(source, handler, runtime)
        if source is None or made is None:
            return None
        code, folder = io.BytesIO(made), Path(__file__).parent
        with zipfile.ZipFile(code, "a") as archive:
            if runtime.startswith("nodejs"):
                archive.write(folder / "cfn-response.js", "node_modules/cfn-response.js")
            elif "import cfnresponse" in source:
                archive.write(folder / "cfnresponse.py", "cfnresponse.py")
        return code.getvalue()

    return zipped


class _Answer(threading.Event):
    """A custom resource's response; without one, the resource fails with a reason instead of a service timeout."""

    def __init__(self, token: str) -> None:
        """Wait for the response at the URL that ends in `token`."""
        super().__init__()
        self._token = token

    def wait(self, timeout: float | None = None) -> bool:
        """Wait as long as AWS would, or for five minutes."""
        seconds = min(timeout or SECONDS_FOR_AN_ANSWER, SECONDS_FOR_AN_ANSWER)
        if not super().wait(seconds):
            self.fail(f"no response within {seconds:.0f} s: a rehearsal waits no longer")
        return True

    def fail(self, reason: str) -> None:
        """Respond in place of the function, unless it has responded."""
        if not self.is_set():
            custom_resource.deliver_response(self._token, {"Status": "FAILED", "Reason": reason})


def _await_answer(token: str) -> _Answer:
    answer = _Answer(token)
    custom_resource._pending[token] = {"event": answer, "result": None}
    return answer


def _fail_at_once(execute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Let a custom resource fail at once if its function can't be run or fails, and not only at its timeout."""

    def executed(function: Any, event: Any) -> Any:
        result = execute(function, event)
        match result.get("body"):
            # How MiniStack reports that the function's process didn't reach its first event.
            case {"errorType": "RuntimeError", "errorMessage": str(error)}:
                reason = f"Lambda can't load the function: {error.removeprefix('Worker init failed: ')}"
            case {"errorType": _, "errorMessage": str(error)}:
                reason = f"the function failed before it responded to CloudFormation: {error}"
            case {"body": str(error)} if error.startswith("Mock response - "):
                reason = f"the local AWS can't run the function: {error.removeprefix('Mock response - ')}"
            case _:
                return result
        match event:
            case {"ResponseURL": str(url)} if pending := custom_resource._pending.get(url.rpartition("/")[2]):
                pending["event"].fail(reason)
        return result

    return executed


def _across_regions(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Let `Fn::GetStackOutput` find the stack in the region that it names, and not only in its own."""

    def resolved(value: Any, *scope: Any) -> Any:
        match value:
            case {"Fn::GetStackOutput": {"Region": region, **reference}}:
                context = contextvars.copy_context()
                context.run(set_request_region, str(resolve(region, *scope)))
                return context.run(resolve, {"Fn::GetStackOutput": reference}, *scope)
        return resolve(value, *scope)

    return resolved


def _in_template_order(sort: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Create resources that don't depend on each other in the template's order, and not in that of their names.

    AWS creates them at once; an app that names another resource without a dependency mostly has that one first.
    """

    def ordered(resources: Mapping[str, Any], conditions: Any) -> list[str]:
        active = set(sort(resources, conditions))
        waiting = {
            name: {*engine._extract_deps(resources[name], active)} - {name} for name in resources if name in active
        }
        done: dict[str, None] = {}
        while waiting:
            name = next(name for name, needed in waiting.items() if needed <= done.keys())
            del waiting[name]
            done[name] = None
        return [*done]

    return ordered


def _with_creations(add_event: Callable[..., None]) -> Callable[..., None]:
    """Let the events of a resource that an update adds to its stack report its creation."""

    def added(
        stack_id: str, stack_name: str, logical_id: str, kind: str, status: str, *more: Any, **named: Any
    ) -> None:
        if status.startswith("UPDATE_") and logical_id != stack_name:
            before = [one for one in _stack_events.get(stack_id, ()) if one["LogicalResourceId"] == logical_id]
            began = bool(before) and before[-1]["ResourceStatus"] == "CREATE_IN_PROGRESS"
            if began or logical_id not in _stacks[stack_name]["_resources"]:
                status = status.replace("UPDATE_", "CREATE_", 1)
        add_event(stack_id, stack_name, logical_id, kind, status, *more, **named)

    return added


def _with_tags(change: Callable[..., Any]) -> Callable[..., Any]:
    """Let a stack's bucket have its tags, by which CDK's auto_delete_objects knows what it may delete."""

    def changed(name: str, *properties: Any, **more: Any) -> Any:
        result = change(name, *properties, **more)
        bucket = result[0] if isinstance(result, tuple) else name
        given = [one for one in properties if isinstance(one, Mapping)][-1]
        s3._bucket_tags[bucket] = {tag["Key"]: tag["Value"] for tag in given.get("Tags", ())}
        return result

    return changed


def _with_exports(change: Callable[..., Any]) -> Callable[..., Any]:
    """Let other stacks import what a nested stack exports."""

    def changed(*arguments: Any, **more: Any) -> Any:
        result = change(*arguments, **more)
        nested = next((one for one in _stacks.values() if one["StackId"] in result), None)
        if nested:
            template = nested["_template"]
            nested["Outputs"], exports = stacks._resolve_stack_outputs(
                template.get("Outputs", {}),
                nested["_conditions"],
                nested["_resources"],
                nested["_resolved_params"],
                template.get("Mappings", {}),
                nested["StackName"],
                nested["StackId"],
            )
            _exports.update(exports)
        return result

    return changed


def _with_ancestors(describe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let a nested stack name its parent, and the outermost stack, whose name is the owner's."""

    def described(parameters: Any) -> Any:
        status, headers, body = describe(parameters)
        for stack in [*_stacks.values()]:
            if ids := [*_ancestor_ids(stack)]:
                own = f"<StackId>{stack['StackId']}</StackId>"
                told = f"{own}<ParentId>{ids[0]}</ParentId><RootId>{ids[-1]}</RootId>"
                body = body.replace(own.encode(), told.encode())
        return status, headers, body

    return described


def _ancestor_ids(stack: Mapping[str, Any]) -> Iterator[str]:
    """From the innermost to the outermost."""
    while parent := _stacks.get(stack.get("_parent_stack_name")):
        yield parent["StackId"]
        stack = parent


def _keeping_outputs(update: Callable[..., Any]) -> Callable[..., Any]:
    """Let `_in_nested_stack` know what the nested stack shows before its update."""

    def updated(stack_id: str, *properties: Any) -> Any:
        token = _former_outputs.set(next(one["Outputs"] for one in _stacks.values() if one["StackId"] == stack_id))
        try:
            return update(stack_id, *properties)
        finally:
            _former_outputs.reset(token)

    return updated


def _in_nested_stack(update: Callable[..., Any]) -> Callable[..., Any]:
    """Let a resource that isn't changed keep its attributes, and the stack show its former outputs meanwhile."""

    def updated(kind: str, physical_id: str, old: Any, new: Any, stack_name: str, logical_id: str) -> Any:
        stack = _stacks[stack_name]
        stack["Outputs"] = _former_outputs.get()
        return update(
            kind, physical_id, old, new, stack_name, logical_id, stack["_resources"][logical_id]["Attributes"]
        )

    return updated


def _with_address_ranges(change: Callable[..., Any]) -> Callable[..., Any]:
    """Let a VPC return its address range, which a load balancer's security group reads."""

    def changed(*arguments: Any, **more: Any) -> Any:
        vpc_id, attributes = change(*arguments, **more)
        ranges = {"CidrBlock": ec2._vpcs[vpc_id]["CidrBlock"], "CidrBlockAssociations": [], "Ipv6CidrBlocks": []}
        return vpc_id, {**ranges, **attributes}

    return changed
