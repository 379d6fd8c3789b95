"""The simulated Partner Central in a user's own tests: an unmodified boto3 client calls it instead of AWS."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from partner_central_simulator.models import REGION, SERVICE
from partner_central_simulator.server import Simulator


@contextmanager
def simulate_partner_central(*, verified: bool = True, **settings: Any) -> Iterator[Simulator]:
    """Within it, boto3 clients, including those of child processes, call a simulated Partner Central.

    It listens on a free port of 127.0.0.1 and accepts only the new credentials that it sets in this environment, which
    is restored afterwards. A client created before would still call AWS: its calls are rejected.

    Args:
        verified: Both verifications of new accounts have succeeded.
        settings: Arguments of `Simulator`, such as `readings`.

    Raises:
        RuntimeError: a client created before makes a call.
    """
    session_token = secrets.token_hex()
    send = URLLib3Session.send

    def send_to_others(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        if f"//{SERVICE}." in request.url:
            raise RuntimeError("this client would call AWS: create it within the test, and without an endpoint_url")
        return send(session, request)

    with Simulator(verified=verified, session_token=session_token, **settings) as simulator:
        environment = {
            "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT": simulator.url,
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "AWS_SESSION_TOKEN": session_token,
        }
        for name in ("NO_PROXY", "no_proxy"):
            environment[name] = ",".join(filter(None, [os.environ.get(name), simulator.host]))
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(boto3, "DEFAULT_SESSION", None),  # it remembers the credentials of its first client
            mock.patch.object(URLLib3Session, "send", send_to_others),
        ):
            for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
                os.environ.pop(name, None)
            yield simulator
