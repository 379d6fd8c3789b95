"""MiniStack as a local AWS runs it: `partner_account_rehearsal.gateway:app`, for Hypercorn in a process of its own.

By itself MiniStack takes any credentials, and runs a stranger's function as whoever has started it. Here it is asked
only by whoever has the local AWS's session token, or a URL at which its CloudFormation waits for an answer. Its
functions find what Lambda would give them, and not what is installed beside this command.
"""

import contextvars
import hmac
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from ministack.core.lambda_runtime import Worker
from ministack.core.responses import set_request_region
from ministack.services import lambda_svc, s3
from ministack.services.cloudformation import (
    _exports,
    _stacks,
    changesets,
    custom_resource,
    engine,
    handlers,
    provisioners,
    stacks,
    wait_conditions,
)

from partner_account_rehearsal import lambda_runtime
from partner_account_rehearsal.iam_statements import IAM_PATH
from partner_account_rehearsal.local_iam import LocalIam

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_SESSION_TOKEN = os.environ["AWS_SESSION_TOKEN"].encode()
_SECURITY_TOKEN = b"x-amz-security-token"
_RESPONSE_PATH = "/_ministack/cfn-response/"
_POLICY_VIOLATION = 1008
_MESSAGE = "The security token included in the request is invalid."
_REFUSAL = json.dumps({"__type": "UnrecognizedClientException", "message": _MESSAGE}).encode()
# As the services answer whose requests are forms.
_REFUSAL_XML = (
    f"<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>{_MESSAGE}</Message></Error></ErrorResponse>"
).encode()


SECONDS_FOR_AN_ANSWER = 300
"""How long a custom resource is waited for once its function has ended, whatever its service timeout is."""


class _Answer(threading.Event):
    """A custom resource's answer; if none comes, it fails with a reason of its own instead of a service timeout."""

    def __init__(self, token: str) -> None:
        """Wait for the answer at the URL that ends in `token`."""
        super().__init__()
        self._token = token

    def wait(self, timeout: float | None = None) -> bool:
        """Wait as long as AWS would, or for five minutes."""
        seconds = min(timeout or SECONDS_FOR_AN_ANSWER, SECONDS_FOR_AN_ANSWER)
        if not super().wait(seconds):
            self.fail(f"no answer within {seconds:.0f} s: a rehearsal waits no longer")
        return True

    def fail(self, reason: str) -> None:
        """Answer in place of the function, unless it has answered."""
        if not self.is_set():
            custom_resource.deliver_response(self._token, {"Status": "FAILED", "Reason": reason})


def _await_answer(token: str) -> _Answer:
    answer = _Answer(token)
    custom_resource._pending[token] = {"event": answer, "result": None}  # noqa: SLF001 - there is no hook for it
    return answer


def _fail_at_once(execute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Let a custom resource fail at once if its function can't be run or fails, and not only when its time is up."""

    def executed(function: Any, event: Any) -> Any:
        result = execute(function, event)
        match result["body"]:
            # MiniStack's way to say that the function's process didn't get as far as its first event.
            case {"errorType": "RuntimeError", "errorMessage": str(error)}:
                reason = f"Lambda can't load the function: {error.removeprefix('Worker init failed: ')}"
            case {"errorType": _, "errorMessage": str(error)}:
                reason = f"the function failed before it answered CloudFormation: {error}"
            case {"body": str(error)} if error.startswith("Mock response - "):
                reason = f"the local AWS can't run the function: {error.removeprefix('Mock response - ')}"
            case _:
                return result
        match event:
            case {"ResponseURL": str(url)} if pending := custom_resource._pending.get(url.rpartition("/")[2]):  # noqa: SLF001
                pending["event"].fail(reason)
        return result

    return executed


def _across_regions(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Let `Fn::GetStackOutput` look for the stack in the region that it names, and not only in its own."""

    def resolved(value: Any, *scope: Any) -> Any:
        match value:
            case {"Fn::GetStackOutput": {"Region": region, **reference}}:
                context = contextvars.copy_context()
                context.run(set_request_region, str(resolve(region, *scope)))
                return context.run(resolve, {"Fn::GetStackOutput": reference}, *scope)
        return resolve(value, *scope)

    return resolved


def _with_tags(change: Callable[..., Any]) -> Callable[..., Any]:
    """Let a stack's bucket have its tags, by which CDK's auto_delete_objects knows what it may delete."""

    def changed(name: str, *properties: Any, **more: Any) -> Any:
        result = change(name, *properties, **more)
        bucket = result[0] if isinstance(result, tuple) else name
        given = [one for one in properties if isinstance(one, Mapping)][-1]
        s3._bucket_tags[bucket] = {tag["Key"]: tag["Value"] for tag in given.get("Tags", ())}  # noqa: SLF001
        return result

    return changed


def _with_exports(change: Callable[..., Any]) -> Callable[..., Any]:
    """Let other stacks import what a nested stack exports."""

    def changed(*arguments: Any, **more: Any) -> Any:
        result = change(*arguments, **more)
        nested = next((one for one in _stacks.values() if one["StackId"] in result), None)
        if nested:
            template = nested["_template"]
            nested["Outputs"], exports = stacks._resolve_stack_outputs(  # noqa: SLF001
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


_iam = LocalIam(os.environ["AWS_SESSION_TOKEN"])
_iam.install()
custom_resource.register_token = _await_answer
execute_function = lambda_svc._execute_function_with_config_scope  # noqa: SLF001 - there is no hook for it
lambda_svc._execute_function_with_config_scope = _fail_at_once(execute_function)  # noqa: SLF001
engine._resolve_refs = changesets._resolve_refs = handlers._resolve_refs = stacks._resolve_refs = _across_regions(  # noqa: SLF001
    engine._resolve_refs  # noqa: SLF001
)
buckets = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]  # noqa: SLF001
buckets.update(create=_with_tags(buckets["create"]), update=_with_tags(buckets["update"]))
nested_stacks = provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::Stack"]  # noqa: SLF001
nested_stacks.update(create=_with_exports(nested_stacks["create"]), update=_with_exports(nested_stacks["update"]))
# What a function writes last may come later than the five milliseconds for which MiniStack waits: it would stand in the
# log of the next invocation, or nowhere. In seconds: for the first line, for a further one, for all.
Worker._drain_stderr_bounded.__defaults__ = (0.2, 0.1, 2.0)  # noqa: SLF001
# Events of a nested stack and of the stack around it often share a millisecond: by microseconds they have an order.
stacks.now_iso = lambda: datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
# MiniStack runs functions in Python by this program, with its own environment.
sys.executable = os.environ.pop(lambda_runtime.VARIABLE)
os.environ.pop("PYTHONPATH", None)

from ministack.app import app as ministack  # noqa: E402 - only now, see above


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Pass a request on to MiniStack, or refuse it before its body is read."""
    if scope["type"] == "http" and scope["path"] == IAM_PATH and _has_session_token(scope):
        await _answer_about_iam(scope, receive, send)
    elif scope["type"] == "lifespan" or _has_session_token(scope) or _is_awaited_response(scope):
        await ministack(scope, receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
    else:
        is_form = any(b"form-urlencoded" in value for value in _headers(scope, b"content-type"))
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": _REFUSAL_XML if is_form else _REFUSAL})


async def _answer_about_iam(scope: Message, receive: Receive, send: Send) -> None:
    """What Partner Central and the rehearsal want to know: what is allowed, and by which statements it was."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    answer = _iam.answer(json.loads(body)) if scope["method"] == "POST" else _iam.used()
    await send({"type": "http.response.start", "status": 200 if answer is not None else 403, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def _has_session_token(scope: Message) -> bool:
    """Whether the token stands in a request, signed or presigned, by itself or at the beginning of a session's."""
    # The presigned URLs of S3's older signature write the name in small letters.
    presigned = [value for name, value in parse_qsl(scope["query_string"]) if name.lower() == _SECURITY_TOKEN]
    tokens = [*_headers(scope, _SECURITY_TOKEN), *presigned]
    return any(hmac.compare_digest(one[: len(_SESSION_TOKEN)], _SESSION_TOKEN) for one in tokens)


def _headers(scope: Message, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


def _is_awaited_response(scope: Message) -> bool:
    """Whether it answers a custom resource, or signals a wait condition, by a URL that ends in a random UUID."""
    path = scope["path"]
    return scope.get("method") == "PUT" and (
        path.removeprefix(_RESPONSE_PATH) in custom_resource._pending  # noqa: SLF001 - there is no question for it
        or wait_conditions.has_handle(path.removeprefix(wait_conditions.SIGNAL_PATH))
    )
