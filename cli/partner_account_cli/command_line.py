"""The command line of `partner-account`: which commands there are, and how each ending becomes an exit status.

A command's module is imported when the command is run, completed, or asked for its own help: `--help` is quick.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Mapping

import click
from click.shell_completion import CompletionItem

from partner_account_cli import encoding
from partner_account_cli.aws import Access, aws_options
from partner_account_cli.errors import CommandError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "doctor": ("doctor", "Check whether a partner account can be deployed."),
    "verification": ("verification", "Verify the business and its registrant."),
    "send-code": ("send_code", "Have a verification code sent by e-mail."),
    "store-code": ("store_code", "Store the verification code where the stack finds it."),
    "show": ("show", "Show the partners of this AWS account."),
    "drift": ("drift", "Compare a deployed stack with Partner Central, field by field."),
    "simulator": ("simulator", "Run a simulated Partner Central, and see what it was asked."),
    "probe": ("probe", "Find out in the Sandbox what AWS documents nowhere."),
    "rehearse": ("rehearse", "Deploy your CDK app on this machine, before you deploy it for real."),
}
"""Each command's module, which holds a click command of the same name as the module, and its help in one line."""

FAILED = 1
USAGE = 64
"""EX_USAGE of sysexits.h; click's own 2 would look like drift."""
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""


class LazyGroup(click.Group):
    """A group whose commands are imported one by one, when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The commands, in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"partner_account_cli.{module}"), module)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands into the help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names and options that begin so, without importing the commands."""
        names = [CompletionItem(name, help=told) for name, (_, told) in COMMANDS.items() if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


@click.command(cls=LazyGroup)
@click.version_option(package_name="cdk-partner-account")
@aws_options()
def partner_account() -> None:
    """Prepare, look after and rehearse an AWS Partner Central account.

    Exit status: 0 done, 1 failed, 2 drift found, 64 wrong use, 130 interrupted.
    """


def run() -> int:
    """Run the command that the arguments name; its exit status. What goes wrong is told in one or two lines."""
    # Errors go to sys.stderr by name: of its own accord, click would write UTF-8 to a stream that is ASCII.
    encoding.never_fail_to_write()
    access = Access()
    try:
        ended = partner_account.main(prog_name="partner-account", standalone_mode=False, obj=access)
    except click.UsageError as error:
        error.show(sys.stderr)
        return USAGE
    except click.ClickException as error:
        error.show(sys.stderr)
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Python would complain once more when it flushes standard output at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except ModuleNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001 - nobody should have to read a traceback
        _tell(error, access)
        return FAILED
    return ended if isinstance(ended, int) else 0


def _tell(error: Exception, access: Access) -> None:
    if isinstance(error, CommandError):
        problem = error
    else:
        from partner_account_cli.explanations import explain  # noqa: PLC0415 - botocore takes its time to load

        problem = explain(error)
    click.echo(f"Error: {access.without_secrets(str(problem))}", file=sys.stderr)
    if problem.remedy:
        click.echo(problem.remedy, file=sys.stderr)
    if access.debug:
        click.echo(access.without_secrets(_whereabouts(error)), file=sys.stderr)


def _whereabouts(error: BaseException | None) -> str:
    """Where an error comes from: a traceback without the messages, which may repeat what was sent."""
    lines = []
    while error is not None:
        lines += ["debug: ", *traceback.format_tb(error.__traceback__), type(error).__qualname__, "\n"]
        error = error.__cause__ or error.__context__
    return "".join(lines).rstrip()
