"""MiniStack as a local AWS runs it: `partner_account_rehearsal.gateway:app`, for Hypercorn in a process of its own.

By itself MiniStack accepts any credentials, and runs anybody's function as the user who started it. Here callers need
the local AWS's session token, or a URL at which its CloudFormation waits for a response. Its functions find what Lambda
would give them, and not what is installed with this command.
"""

import hmac
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import botocore.session
from ministack.core import router
from ministack.core.lambda_runtime import Worker
from ministack.services.cloudformation import custom_resource, wait_conditions

from partner_account_rehearsal import lambda_runtime, local_cloudformation
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
# As services with form requests respond.
_REFUSAL_XML = (
    f"<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>{_MESSAGE}</Message></Error></ErrorResponse>"
).encode()


_iam = LocalIam(os.environ["AWS_SESSION_TOKEN"])
_iam.install()
local_cloudformation.install()
# A function's last output may arrive after the five milliseconds for which MiniStack waits: it would be in the log of
# the next invocation, or lost. In seconds: for the first line, for a further one, for all.
Worker._drain_stderr_bounded.__defaults__ = (0.2, 0.1, 2.0)  # noqa: SLF001
# For a service that it lacks, MiniStack reads the models of all services to check the name: for five seconds, in which
# it doesn't respond.
_services = frozenset(botocore.session.get_session().get_available_services())
_reads_models = router._is_aws_service_name  # noqa: SLF001
router._is_aws_service_name = lambda name: name in _services or _reads_models(name)  # noqa: SLF001
# MiniStack runs Python functions with this program, in its own environment.
sys.executable = os.environ.pop(lambda_runtime.VARIABLE)
os.environ.pop("PYTHONPATH", None)

from ministack.app import app as ministack  # noqa: E402 - only now, see above


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Pass a request on to MiniStack, or refuse it before its body is read."""
    if scope["type"] == "http" and scope["path"] == IAM_PATH and _has_session_token(scope):
        await _serve_iam(scope, receive, send)
    elif scope["type"] == "lifespan" or _has_session_token(scope) or _is_awaited_response(scope):
        await ministack(scope, receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
    else:
        is_form = any(b"form-urlencoded" in value for value in _headers(scope, b"content-type"))
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": _REFUSAL_XML if is_form else _REFUSAL})


async def _serve_iam(scope: Message, receive: Receive, send: Send) -> None:
    """Respond to Partner Central and the rehearsal: what is allowed, and which statements have allowed something."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    answer = _iam.answer(json.loads(body)) if scope["method"] == "POST" else _iam.used()
    await send({"type": "http.response.start", "status": 200 if answer is not None else 403, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def _has_session_token(scope: Message) -> bool:
    """Whether a request, signed or presigned, has the token, by itself or as the prefix of a session's."""
    # The presigned URLs of S3's older signature write the name in small letters.
    presigned = [value for name, value in parse_qsl(scope["query_string"]) if name.lower() == _SECURITY_TOKEN]
    tokens = [*_headers(scope, _SECURITY_TOKEN), *presigned]
    return any(hmac.compare_digest(one[: len(_SESSION_TOKEN)], _SESSION_TOKEN) for one in tokens)


def _headers(scope: Message, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


def _is_awaited_response(scope: Message) -> bool:
    """Whether it responds for a custom resource, or signals a wait condition, at a URL that ends in a random UUID."""
    path = scope["path"]
    return scope.get("method") == "PUT" and (
        path.removeprefix(_RESPONSE_PATH) in custom_resource._pending  # noqa: SLF001 - there is no public function for it
        or wait_conditions.has_handle(path.removeprefix(wait_conditions.SIGNAL_PATH))
    )
