"""Options that several commands share. Those that lead to AWS may stand before the command's name, too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from partner_account_cli.aws import Access, require_valid

Decorator = Callable[[Any], Any]


class _Name(click.ParamType[str]):
    """A text that isn't empty: what a shell makes of a variable that isn't set names nothing."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value and param:
            raise click.UsageError(f"{param.opts[0]} is empty.", ctx)
        return value


NAME = _Name()

pass_access = click.make_pass_decorator(Access, ensure=True)
"""Gives a command the `Access` as its first argument."""

catalog_option = click.option(
    "--catalog",
    type=click.Choice(["AWS", "Sandbox"], case_sensitive=False),
    metavar="[AWS|Sandbox]",  # click would show them folded
    default="AWS",
    show_default=True,
    help="The catalog of Partner Central.",
)

output_option = click.option(
    "--output",
    type=click.Choice(["text", "json"], case_sensitive=False),
    default="text",
    show_default=True,
    help="How the result is written.",
)


def _require_readings(_context: click.Context, _option: click.Parameter, file: Path | None) -> Path | None:
    if file:
        from partner_central_simulator.readings import ReadingsFileError, load_readings  # noqa: PLC0415 - it takes its time to load

        try:
            load_readings(file)
        except ReadingsFileError as error:
            raise click.UsageError(str(error)) from None
    return file


readings_option = click.option(
    "--readings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_require_readings,
    help="Answer as the report of `probe` in this file says, where AWS documents nothing.",
)

show_contact_option = click.option(
    "--show-contact", is_flag=True, help="Show the contact's personal data, of which otherwise a letter is shown."
)


def email_option(text: str, **settings: Any) -> Decorator:
    """An address of e-mail; one that Partner Central would refuse is wrong use."""

    def address(value: str) -> str:
        require_valid("SendEmailVerificationCode", {"Catalog": "AWS", "Email": value})
        return value

    return click.option("--email", metavar="ADDRESS", type=address, help=text, **settings)


def aws_options(endpoint_of: str = "the command's own service") -> Decorator:
    """The options that the AWS CLI has for all its commands, as the `Access` that is the command's first argument."""

    def decorate(command: Any) -> Any:
        endpoint = endpoint_option(f"Use this endpoint for {endpoint_of}.")
        return _profile_option(_region_option(endpoint(debug_option(pass_access(command)))))

    return decorate


def endpoint_option(text: str) -> Decorator:
    """Where a service is."""

    def url(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise click.BadParameter(f"{value!r} is no URL: one begins with http:// or https://.")
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
    # What stands before the name of a command that can't honour it is refused, as behind the name.
    own = {parameter.name for parameter in context.command.params}
    for refused in access.before_command.keys() - own:
        raise click.NoSuchOption(access.before_command[refused], ctx=context)


def _profiles(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    from botocore.session import Session  # noqa: PLC0415 - it takes its time to load

    return [name for name in Session().available_profiles if name.startswith(incomplete)]


_profile_option = _global_option(
    "--profile", metavar="NAME", type=NAME, shell_complete=_profiles, help="Use this profile of the AWS configuration."
)
_region_option = _global_option(
    "--region", metavar="NAME", type=NAME, help="Use this region; Partner Central has one only."
)
debug_option = _global_option("--debug", is_flag=True, help="Log every AWS call; show tracebacks.")
"""Each command has it; where it stands before the name, it is honoured as well."""
