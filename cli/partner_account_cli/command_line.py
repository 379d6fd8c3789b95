"""The command line of `partner-account`: which commands there are, and how each ending becomes an exit status.

A command's module is imported when the command is run, completed, or asked for its own help: `--help` is quick.
"""

import codecs
import importlib
import io
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from partner_account_cli.aws import Access
from partner_account_cli.errors import CommandError
from partner_account_cli.options import aws_options

COMMANDS: Mapping[str, tuple[str, str]] = {
    "doctor": ("doctor", "Check whether a partner account can be deployed."),
    "verification": ("verification", "Verify the business and its registrant."),
    "send-code": ("verification_code", "Have a verification code sent by e-mail."),
    "store-code": ("verification_code", "Store the verification code where the stack finds it."),
    "show": ("show", "Show the partners of this AWS account."),
    "drift": ("drift", "Compare a deployed stack with Partner Central, field by field."),
    "simulator": ("simulator", "Run a simulated Partner Central, and see what it was asked."),
    "probe": ("probe", "Find out in the Sandbox what AWS documents nowhere."),
    "rehearse": ("rehearse", "Deploy your CDK app on this machine, before you deploy it for real."),
    "completion": ("completion", "Print the script that completes commands, options, their values and profiles."),
}
"""Each command's module, and its help in one line; the click command in the module has the command's name."""

FAILED = 1
USAGE = 64
"""EX_USAGE of sysexits.h; click's own 2 would look like drift."""
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""

_PLAIN = {"✓": "ok", "✗": "x", "│": "|", "→": "->", "…": "...", "“": '"', "”": '"', "─": "-"}
"""What the commands draw with, for an encoding that lacks it."""


class CommandGroup(click.Group):
    """A group whose commands are imported one by one, and whose endings are told in a few lines."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The commands, in the order of their use."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is to be run or completed, imported in place of what stands for it in the list."""
        name, command, rest = super().resolve_command(ctx, args)
        if command and name:
            module = importlib.import_module(f"partner_account_cli.{COMMANDS[name][0]}")
            command = getattr(module, name.replace("-", "_"))
        return name, command, rest

    def main(self, *arguments: Any, **settings: Any) -> NoReturn:
        """Run the command that the arguments name, and exit with its status."""
        codecs.register_error("partner_account_plain", _plain)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # and not what a program has put in its place
                stream.reconfigure(errors="partner_account_plain")
        access = Access()
        settings |= {"prog_name": "partner-account", "standalone_mode": False, "obj": access}
        try:
            ended = super().main(*arguments, **settings)
        except click.ClickException as error:
            shown = io.StringIO()
            error.show(shown)
            _write_error(*shown.getvalue().splitlines())
            sys.exit(USAGE if isinstance(error, click.UsageError) else FAILED)
        except (click.Abort, KeyboardInterrupt):
            _write_error("Interrupted.")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # Python would complain once more when it flushes standard output at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
        except ModuleNotFoundError:
            raise
        except Exception as error:  # noqa: BLE001 - nobody should have to read a traceback
            problem = error
            if not isinstance(problem, CommandError):  # botocore takes its time to load
                problem = importlib.import_module("partner_account_cli.explanations").explain(error)
            _write_error(access.without_secrets(f"Error: {problem}"), *filter(None, [problem.remedy]))
            cause: BaseException | None = error
            while cause is not None:  # without the messages, which may repeat what was sent
                access.log("".join(traceback.format_tb(cause.__traceback__)) + type(cause).__qualname__)
                cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
            sys.exit(FAILED)
        sys.exit(ended if isinstance(ended, int) else 0)


@click.command(
    cls=CommandGroup,
    commands={name: click.Command(name, short_help=text) for name, (_, text) in COMMANDS.items()},
    context_settings={"help_option_names": ["--help", "-h"]},
)
@click.version_option(package_name="cdk-partner-account")
@aws_options()
def partner_account(_: Access) -> None:
    """Prepare, look after and rehearse an AWS Partner Central account.

    Exit status: 0 done, 1 failed, 2 drift found, 64 wrong use, 130 interrupted.
    """


def _write_error(*lines: str) -> None:
    from partner_account_cli.rendering import wrapped  # noqa: PLC0415 - rich takes its time to load

    for line in lines:
        # To sys.stderr by name: of its own accord, click would write UTF-8 to a stream that is ASCII.
        click.echo(wrapped(line, stderr=True), file=sys.stderr)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Characters that an encoding lacks, as a plain sign or as Python escapes them: no name is lost."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    escaped = (_PLAIN.get(one) or one.encode("ascii", "backslashreplace").decode() for one in lacking)
    return "".join(escaped), error.end
