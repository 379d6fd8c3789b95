"""How a command accesses AWS: clients configured by its options and the environment."""

import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from partner_account_cli.errors import CommandError
from partner_account_handler.service import API_VERSION, SERVICE, SERVICE_REGION
from partner_account_handler.shapes import shape_errors

_FIRST_ERROR = 300

_BEFORE_A_WORD = r"(?:(?<![0-9A-Za-z])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))"
"""Keeps longer numbers and words, such as account IDs, whole; an escaped character isn't part of a word."""


@dataclass
class Access:
    """How to access AWS, by the options before and after the command's name; botocore determines the rest.

    Attributes:
        profile: a profile of the AWS configuration.
        region: the region of all services but Partner Central.
        endpoint_url: the endpoint of the command's own service, in place of AWS's.
        debug: whether each call to AWS is logged on standard error.
        before_command: the options given before the command's name.
    """

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    debug: bool = False
    before_command: dict[str, str] = field(default_factory=dict)
    _secrets: set[str] = field(default_factory=set, repr=False)
    _session: Any = field(default=None, repr=False)

    def partner_central(self, config: Any = None) -> Any:
        """A client of Partner Central, always in its one region; `config` is botocore's."""
        return self.client(SERVICE, SERVICE_REGION, endpoint_url=self.endpoint_url, config=config)

    def client(
        self, service: str, region: str | None = None, *, endpoint_url: str | None = None, config: Any = None
    ) -> Any:
        """A client of a service; botocore determines what is None."""
        if self._session is None:
            import boto3  # noqa: PLC0415 - it takes half of the time allowed for `--help`

            # The AWS CLI honors AWS_REGION; botocore for Python reads only AWS_DEFAULT_REGION.
            default = self.region or os.environ.get("AWS_REGION") or None
            self._session = boto3.Session(profile_name=self.profile, region_name=default)
        version = API_VERSION if service == SERVICE else None
        client = self._session.client(
            service, region_name=region, api_version=version, endpoint_url=endpoint_url, config=config
        )
        client.meta.events.register("after-call", require_whole_answer)
        if self.debug:
            client.meta.events.register("before-call", self._log_call)
            client.meta.events.register("after-call", self._log_answer)
        return client

    @property
    def options(self) -> str:
        """These options, for the next command to run; each begins with a space."""
        named = {"--profile": self.profile, "--region": self.region}
        return "".join(f" {option} {shlex.quote(value)}" for option, value in named.items() if value)

    def conceal(self, secret: str) -> None:
        """Never print this, whatever AWS returns."""
        # A message that repeats a request may escape it as JSON, or as JSON within JSON.
        for _ in range(3):
            if secret.strip():
                self._secrets.add(secret)
            secret = json.dumps(secret)[1:-1]

    def without_secrets(self, text: str) -> str:
        """The text with each concealed value replaced by `***`."""
        # The longest first: one may be part of another.
        for secret in sorted(self._secrets, key=len, reverse=True):
            # Whatever the width of its whitespace.
            pattern = r"\s+".join(map(re.escape, secret.split()))
            text = re.sub(rf"{_BEFORE_A_WORD}{pattern}(?![0-9A-Za-z])", "***", text)
        return text

    def log(self, text: str) -> None:
        """Write it to standard error, if `--debug` is given."""
        if self.debug:
            from partner_account_cli.rendering import wrapped  # noqa: PLC0415 - rich is slow to import

            for line in self.without_secrets(f"debug: {text}").splitlines():
                click.echo(wrapped(line, stderr=True), file=sys.stderr)

    def _log_call(self, model: Any, params: Any, **_: Any) -> None:
        self.log(f"{model.service_model.service_name} {model.name} at {params['url']}")

    def _log_answer(self, model: Any, http_response: Any, parsed: Any, **_: Any) -> None:
        request_id = parsed.get("ResponseMetadata", {}).get("RequestId")
        parts = (
            f"{model.name} returned HTTP {http_response.status_code}",
            f"request id {request_id}" if request_id else "",
            parsed.get("Error", {}).get("Message", ""),
        )
        self.log(", ".join(filter(None, parts)))


def require_whole_answer(model: Any, http_response: Any, parsed: Any, **_: Any) -> None:
    """Reject a response that lacks a member that the service model requires."""
    # botocore parses a truncated response as an empty one, which must not be read as "there is nothing".
    shape = model.output_shape
    if shape and http_response.status_code < _FIRST_ERROR and set(shape.required_members) - set(parsed):
        raise CommandError(f"AWS's response to {model.name} is incomplete", "Try again in a minute.")


_SUCH_AS = {"--email": ": give one such as name@example.com, in ASCII", "--country-code": ": give one such as DE"}


def require_valid(operation: str, members: Mapping[str, Any]) -> None:
    """Reject, before it is sent, a request that Partner Central would reject; botocore checks only part of it.

    Raises:
        UsageError: all errors, by the names of the command's options; no value is repeated.
    """
    from botocore.loaders import create_loader  # noqa: PLC0415 - slow to import
    from botocore.model import ServiceModel  # noqa: PLC0415

    loader = create_loader(os.environ.get("AWS_DATA_PATH"))
    model = ServiceModel(loader.load_service_model(SERVICE, "service-2", API_VERSION))
    errors: dict[str, str] = {}
    for error in shape_errors(model.operation_model(operation).input_shape, members):
        path, _, what = error.partition(" ")
        option = "--" + re.sub(r"(?<!^)(?=[A-Z])", "-", path.rpartition(".")[2]).lower()
        errors[option] = f"{errors[option]}, and {what}" if option in errors else f"{option} {what}"
    if errors:
        raise click.UsageError("; ".join(told + _SUCH_AS.get(option, "") for option, told in errors.items()))
