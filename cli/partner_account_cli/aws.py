"""How a command reaches AWS: the options and the environment that the AWS CLI knows, and the clients made of them."""

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from partner_account_cli.errors import CommandError
from partner_account_handler.shapes import shape_errors

PARTNER_CENTRAL_REGION = "us-east-1"
"""The service has one endpoint, in this region; botocore would build a URL for any."""

API_VERSION = "2025-04-04"
"""The version of Partner Central's API that the commands are written for; botocore would take the latest it finds."""

_FIRST_ERROR = 300

_BEFORE_A_WORD = r"(?:(?<![0-9A-Za-z])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))"
"""No longer number or word, such as that of an account, is cut; an escaped character is no part of one."""

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass
class Access:
    """How to reach AWS, as the options before and after the command's name say; the rest is botocore's to find out.

    Attributes:
        profile: a profile of the AWS configuration.
        region: the region of all but Partner Central.
        endpoint_url: where the service that the command is about is, in place of AWS's own endpoint.
        debug: whether each call to AWS is logged on standard error.
    """

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    debug: bool = False
    _secrets: set[str] = field(default_factory=set, repr=False)
    _session: Any = field(default=None, repr=False)

    def partner_central(self, config: Any = None) -> Any:
        """A client of Partner Central, always in its one region; `config` is botocore's."""
        return self._client("partnercentral-account", PARTNER_CENTRAL_REGION, self.endpoint_url, config)

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of a service that the command needs besides; its endpoint is botocore's to find out."""
        return self._client(service, region, None)

    def own_client(self, service: str) -> Any:
        """A client of the service that the command is about, other than Partner Central."""
        return self._client(service, None, self.endpoint_url)

    @property
    def options(self) -> str:
        """The options that led here, for a command that is to be run next; each begins with a blank."""
        named = {"--profile": self.profile, "--region": self.region}
        return "".join(f" {option} {shlex.quote(value)}" for option, value in named.items() if value)

    def conceal(self, secret: str) -> None:
        """Never write this, whatever AWS may answer."""
        # A message that repeats a request may write it as JSON does, or as JSON within JSON.
        for _ in range(3):
            if secret.strip():
                self._secrets.add(secret)
            secret = json.dumps(secret)[1:-1]

    def without_secrets(self, text: str) -> str:
        """The text with `***` in place of what is to be concealed."""
        # The longest first: one may be a part of another.
        for secret in sorted(self._secrets, key=len, reverse=True):
            # However wide its blanks are.
            pattern = r"\s+".join(map(re.escape, secret.split()))
            text = re.sub(rf"{_BEFORE_A_WORD}{pattern}(?![0-9A-Za-z])", "***", text)
        return text

    def _client(self, service: str, region: str | None, endpoint_url: str | None, config: Any = None) -> Any:
        if self._session is None:
            import boto3  # noqa: PLC0415 - it takes half of the time that `--help` may take

            # The AWS CLI heeds AWS_REGION; botocore for Python knows AWS_DEFAULT_REGION alone.
            default = self.region or os.environ.get("AWS_REGION") or None
            self._session = boto3.Session(profile_name=self.profile, region_name=default)
        version = API_VERSION if service == "partnercentral-account" else None
        client = self._session.client(
            service, region_name=region, api_version=version, endpoint_url=endpoint_url, config=config
        )
        client.meta.events.register("after-call", require_whole_answer)
        if self.debug:
            client.meta.events.register("before-call", self._log_call)
            client.meta.events.register("after-call", self._log_answer)
        return client

    def _log_call(self, model: Any, params: Any, **_: Any) -> None:
        self._log(f"{model.service_model.service_name} {model.name} at {params['url']}")

    def _log_answer(self, model: Any, http_response: Any, parsed: Any, **_: Any) -> None:
        request_id = parsed.get("ResponseMetadata", {}).get("RequestId")
        parts = (
            f"{model.name} answered HTTP {http_response.status_code}",
            f"request id {request_id}" if request_id else "",
            parsed.get("Error", {}).get("Message", ""),
        )
        self._log(", ".join(filter(None, parts)))

    def _log(self, text: str) -> None:
        click.echo(self.without_secrets(f"debug: {text}"), file=sys.stderr)


def require_whole_answer(model: Any, http_response: Any, parsed: Any, **_: Any) -> None:
    """Refuse an answer that lacks a member which the service model requires."""
    # botocore takes an answer that breaks off for an empty one, which must not be read as "there is nothing".
    shape = model.output_shape
    if shape and http_response.status_code < _FIRST_ERROR and set(shape.required_members) - set(parsed):
        raise CommandError(f"AWS's response to {model.name} is incomplete", "Try again in a minute.")


def require_valid(client: Any, operation: str, members: Mapping[str, Any]) -> None:
    """Refuse a request that the service would refuse, of which botocore checks only some, before it is sent.

    Raises:
        CommandError: all that is wrong, in the words of the command's options; no value is repeated.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    if wrong := [_by_option(error) for error in shape_errors(shape, members)]:
        raise CommandError("; ".join(wrong), "Correct what this names.")


def _by_option(error: str) -> str:
    path, _, what = error.partition(" ")
    member = path.rpartition(".")[2]
    return f"--{re.sub(r'(?<!^)(?=[A-Z])', '-', member).lower()} {what}"


pass_access = click.make_pass_decorator(Access, ensure=True)
"""Gives a command the `Access` as its first argument."""


def aws_options(endpoint_of: str = "the command's own service") -> Callable[[Decorated], Decorated]:
    """The options that the AWS CLI has for all its commands; they may stand before the command's name, too."""
    options = (
        _option("--profile", metavar="NAME", help="Use this profile of the AWS configuration."),
        _option("--region", metavar="NAME", help="Use this region. Partner Central is always in us-east-1."),
        _option("--endpoint-url", metavar="URL", help=f"Use this endpoint for {endpoint_of}."),
        _option("--debug", is_flag=True, help="Log every AWS call; show tracebacks."),
    )

    def decorate(command: Decorated) -> Decorated:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _option(name: str, **settings: Any) -> Callable[[Decorated], Decorated]:
    return click.option(name, expose_value=False, callback=_remember, **settings)


def _remember(context: click.Context, option: click.Parameter, value: str | bool | None) -> None:
    access = context.find_object(Access)
    if access and option.name and value:
        setattr(access, option.name, value)
