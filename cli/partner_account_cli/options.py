"""Options that several commands share. The AWS options can also precede the command's name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from partner_account_cli.aws import Access, require_valid

Decorator = Callable[[Any], Any]


class _Name(click.ParamType[str]):
    """A nonempty text: a shell expands an unset variable to an empty one, which names nothing."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value and param:
            raise click.UsageError(f"{param.opts[0]} is empty.", ctx)
        return value


NAME = _Name()

pass_access = click.make_pass_decorator(Access, ensure=True)
"""Passes the `Access` to a command as its first argument."""

catalog_option = click.option(
    "--catalog",
    type=click.Choice(["AWS", "Sandbox"], case_sensitive=False),
    metavar="[AWS|Sandbox]",  # click would show them in lowercase
    default="AWS",
    show_default=True,
    help="The Partner Central catalog.",
)

output_option = click.option(
    "--output",
    type=click.Choice(["text", "json"], case_sensitive=False),
    default="text",
    show_default=True,
    help="The output format.",
)


def _require_readings(_context: click.Context, _option: click.Parameter, file: Path | None) -> Path | None:
    if file:
        from partner_central_simulator.readings import ReadingsFileError, load_readings  # noqa: PLC0415 - slow to import

        try:
            load_readings(file)
        except ReadingsFileError as error:
            raise click.UsageError(str(error)) from None
    return file


readings_option = click.option(
    "--readings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_require_readings,
    help="Apply the readings in this report of `probe` where AWS documents nothing.",
)

show_contact_option = click.option("--show-contact", is_flag=True, help="Show the contact's personal data unmasked.")


def email_option(text: str, **settings: Any) -> Decorator:
    """An e-mail address; one that Partner Central would reject is a usage error."""

    def address(value: str) -> str:
        require_valid("SendEmailVerificationCode", {"Catalog": "AWS", "Email": value})
        return value

    return click.option("--email", metavar="ADDRESS", type=address, help=text, **settings)


def aws_options(endpoint_of: str = "the command's own service") -> Decorator:
    """The global options of the AWS CLI, as the `Access` that is the command's first argument."""

    def decorate(command: Any) -> Any:
        endpoint = endpoint_option(f"Use this endpoint for {endpoint_of}.")
        return _profile_option(_region_option(endpoint(debug_option(pass_access(command)))))

    return decorate


def endpoint_option(text: str) -> Decorator:
    """The option `--endpoint-url`, checked to be a URL."""

    def url(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise click.BadParameter(f"{value!r} is not a URL: a URL begins with http:// or https://.")
        return value

    return _global_option("--endpoint-url", metavar="URL", type=url, help=text)


def _global_option(name: str, **settings: Any) -> Decorator:
    return click.option(name, expose_value=False, callback=_remember, **settings)


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    access = context.ensure_object(Access)
    name = str(option.name)
    if value:
        setattr(access, name, value)
    if isinstance(context.command, click.Group):
        access.before_command |= {name: option.opts[0]} if value else {}
        return
    # An option that the command doesn't have is rejected before its name as it is after it.
    own = {parameter.name for parameter in context.command.params}
    for refused in access.before_command.keys() - own:
        raise click.NoSuchOption(access.before_command[refused], ctx=context)


def _profiles(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    from botocore.session import Session  # noqa: PLC0415 - slow to import

    return [name for name in Session().available_profiles if name.startswith(incomplete)]


_profile_option = _global_option(
    "--profile", metavar="NAME", type=NAME, shell_complete=_profiles, help="Use this profile of the AWS configuration."
)
_region_option = _global_option(
    "--region", metavar="NAME", type=NAME, help="Use this region; Partner Central has only one."
)
debug_option = _global_option("--debug", is_flag=True, help="Log every AWS call; show tracebacks.")
"""Every command has it, before or after its name."""
