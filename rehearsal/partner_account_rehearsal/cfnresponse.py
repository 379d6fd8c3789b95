"""CloudFormation's `cfn-response` module, which it adds to the code of a function that is inline in the template."""

import json
import urllib.request
from typing import Any

SUCCESS, FAILED = "SUCCESS", "FAILED"


def send(
    event: dict[str, Any],
    context: Any,
    responseStatus: str,  # noqa: N803 - the names are AWS's
    responseData: dict[str, Any],  # noqa: N803
    physicalResourceId: str | None = None,  # noqa: N803
    noEcho: bool = False,  # noqa: N803
    reason: str | None = None,
) -> None:
    """Respond to a custom resource's request."""
    answer = {
        "Status": responseStatus,
        "Reason": reason or f"See the log stream {context.log_stream_name}",
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
        "NoEcho": noEcho,
        "Data": responseData,
    }
    body = json.dumps(answer).encode()
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310 - a URL of the local AWS
