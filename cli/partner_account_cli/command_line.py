"""The command line of `partner-account`: which commands there are, and how each ending becomes an exit status.

A command's module is imported when the command is run, completed, or asked for its own help: `--help` is quick.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from partner_account_cli import encoding
from partner_account_cli.aws import Access, aws_options
from partner_account_cli.errors import CommandError

COMMANDS: Mapping[str, str] = {
    "doctor": "Check whether a partner account can be deployed.",
    "verification": "Verify the business and its registrant.",
    "send-code": "Have a verification code sent by e-mail.",
    "store-code": "Store the verification code where the stack finds it.",
    "show": "Show the partners of this AWS account.",
    "drift": "Compare a deployed stack with Partner Central, field by field.",
    "simulator": "Run a simulated Partner Central, and see what it was asked.",
    "probe": "Find out in the Sandbox what AWS documents nowhere.",
    "rehearse": "Deploy your CDK app on this machine, before you deploy it for real.",
}
"""Each command's help in one line. Its module has its name, and so has the click command in it."""

FAILED = 1
USAGE = 64
"""EX_USAGE of sysexits.h; click's own 2 would look like drift."""
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""


class CommandGroup(click.Group):
    """A group whose commands are imported one by one, and whose endings are told in one or two lines."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The commands, in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"partner_account_cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands into the help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *arguments: Any, **settings: Any) -> NoReturn:
        """Run the command that the arguments name, and exit with its status."""
        encoding.never_fail_to_write()
        access = Access()
        settings |= {"prog_name": "partner-account", "standalone_mode": False, "obj": access}
        # Errors go to sys.stderr by name: of its own accord, click would write UTF-8 to a stream that is ASCII.
        try:
            ended = super().main(*arguments, **settings)
        except click.ClickException as error:
            error.show(sys.stderr)
            sys.exit(USAGE if isinstance(error, click.UsageError) else FAILED)
        except (click.Abort, KeyboardInterrupt):
            click.echo("Interrupted.", file=sys.stderr)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # Python would complain once more when it flushes standard output at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
        except ModuleNotFoundError:
            raise
        except Exception as error:  # noqa: BLE001 - nobody should have to read a traceback
            _write_error(error, access)
            sys.exit(FAILED)
        sys.exit(ended if isinstance(ended, int) else 0)


@click.command(cls=CommandGroup)
@click.version_option(package_name="cdk-partner-account")
@aws_options()
def partner_account() -> None:
    """Prepare, look after and rehearse an AWS Partner Central account.

    Exit status: 0 done, 1 failed, 2 drift found, 64 wrong use, 130 interrupted.
    """


def _write_error(error: Exception, access: Access) -> None:
    if isinstance(error, CommandError):
        problem = error
    else:
        from partner_account_cli.explanations import explain  # noqa: PLC0415 - botocore takes its time to load

        problem = explain(error)
    click.echo(f"Error: {access.without_secrets(str(problem))}", file=sys.stderr)
    if problem.remedy:
        click.echo(problem.remedy, file=sys.stderr)
    cause: BaseException | None = error if access.debug else None
    while cause is not None:  # without the messages, which may repeat what was sent
        lines = "".join(traceback.format_tb(cause.__traceback__))
        click.echo(access.without_secrets(f"debug: {lines}{type(cause).__qualname__}"), file=sys.stderr)
        cause = cause.__cause__ or cause.__context__
