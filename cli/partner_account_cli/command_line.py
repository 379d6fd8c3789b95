"""The command line of `partner-account`: its commands, and the exit status of each outcome.

A command's module is imported only to run the command, complete it or show its help, so that `--help` is fast.
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
    "send-code": ("verification_code", "Request a verification code by e-mail."),
    "store-code": ("verification_code", "Store the verification code where the stack reads it."),
    "show": ("show", "Show the partners of this AWS account."),
    "drift": ("drift", "Compare a deployed stack with Partner Central, field by field."),
    "simulator": ("simulator", "Run a simulated Partner Central, and inspect its requests."),
    "probe": ("probe", "Probe the Sandbox for behavior that AWS doesn't document."),
    "rehearse": ("rehearse", "Deploy your CDK app on this machine before you deploy it to AWS."),
    "completion": ("completion", "Print the shell completion script for commands, options, values and profiles."),
}
"""Each command's module and one-line help; the module's click command has the command's name."""

FAILED = 1
USAGE = 64
"""EX_USAGE of sysexits.h; click's own 2 would look like drift."""
INTERRUPTED = 130
"""128 plus the number of SIGINT, as in shells."""

_PLAIN = {"✓": "ok", "✗": "x", "│": "|", "→": "->", "…": "...", "“": '"', "”": '"', "─": "-"}
"""Replacements for the symbols of the output in encodings that lack them."""


class CommandGroup(click.Group):
    """A group that imports its commands on demand, and reports errors in a few lines."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The commands, in the order of their use."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command to run or complete, imported in place of its placeholder in the list."""
        name, command, rest = super().resolve_command(ctx, args)
        if command and name:
            module = importlib.import_module(f"partner_account_cli.{COMMANDS[name][0]}")
            command = getattr(module, name.replace("-", "_"))
        return name, command, rest

    def main(self, *arguments: Any, **settings: Any) -> NoReturn:
        """Run the command that the arguments name, and exit with its status."""
        codecs.register_error("partner_account_plain", _plain)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # unless a program has replaced it
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
            # Otherwise Python fails again when it flushes standard output on exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
        except ModuleNotFoundError:
            raise
        except Exception as error:  # noqa: BLE001 - nobody should have to read a traceback
            problem = error
            if not isinstance(problem, CommandError):  # botocore is slow to import
                problem = importlib.import_module("partner_account_cli.explanations").explain(error)
            _write_error(access.without_secrets(f"Error: {problem}"), *filter(None, [problem.remedy]))
            cause: BaseException | None = error
            while cause is not None:  # without the messages, which can repeat request values
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
    """Prepare, inspect and rehearse an AWS Partner Central account.

    Exit status: 0 success, 1 failure, 2 drift, 64 usage error, 130 interrupted.
    """


def _write_error(*lines: str) -> None:
    from partner_account_cli.rendering import wrapped  # noqa: PLC0415 - rich is slow to import

    for line in lines:
        # To sys.stderr explicitly: by default, click would write UTF-8 to an ASCII stream.
        click.echo(wrapped(line, stderr=True), file=sys.stderr)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks with ASCII or Python escapes: no name is lost."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    escaped = (_PLAIN.get(one) or one.encode("ascii", "backslashreplace").decode() for one in lacking)
    return "".join(escaped), error.end
