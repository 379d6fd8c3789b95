"""The backend of `javascript_sdk.js`: returns the members of a client's package, or the response to one request.

A separate program, copied to the local Lambda's Python, and run in the environment of the function.
"""

import base64
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody
from botocore.session import Session
from botocore.utils import EVENT_ALIASES

_session = Session()


def members(package: str) -> dict[str, Any]:
    """What `@aws-sdk/client-…` exports. Its name is the service's id, as botocore names its events."""
    name = package.removeprefix("@aws-sdk/client-")
    aliased = [service for service, alias in EVENT_ALIASES.items() if alias == name]
    available = _session.get_available_services()
    service = next(one for one in (*aliased, name, name.replace("-", "")) if one in available)
    model = _session.get_service_model(service)
    try:
        waiters = _session.get_waiter_model(service).waiter_names
    except BotoCoreError:  # it has none
        waiters = []
    return {
        "service": service,
        "title": str(model.service_id).replace(" ", ""),
        "operations": list(model.operation_names),
        "errors": sorted({shape.name for shape in model.error_shapes}),
        "waiters": waiters,
    }


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS returns; an error as its name and message."""
    own = request.get("credentials") or {}
    client = _session.create_client(
        request["service"],
        region_name=request.get("region"),
        aws_access_key_id=own.get("accessKeyId"),
        aws_secret_access_key=own.get("secretAccessKey"),
        aws_session_token=own.get("sessionToken"),
    )
    names = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
    try:
        if request["waiter"]:
            snake_case = {name.replace("_", ""): name for name in client.waiter_names}
            client.get_waiter(snake_case[request["operation"].lower()]).wait(**request["input"])
            return {"state": "SUCCESS"}
        answered: dict[str, Any] = getattr(client, names[request["operation"]])(**request["input"])
    except ClientError as error:
        return {"error": {"name": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}}
    except BotoCoreError as error:
        return {"error": {"name": type(error).__name__, "message": str(error)}}
    answered.pop("ResponseMetadata", None)
    return answered


def _encode(value: Any) -> dict[str, str]:
    if isinstance(value, datetime):
        return {"$date": value.isoformat()}
    content = value.read() if isinstance(value, StreamingBody) else value
    return {"$bytes": base64.b64encode(content).decode()}


def _decode(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["$bytes"]) if "$bytes" in value else value


if __name__ == "__main__":
    result = members(sys.argv[1]) if len(sys.argv) > 1 else answer(json.load(sys.stdin, object_hook=_decode))
    sys.stdout.write(json.dumps(result, default=_encode))
