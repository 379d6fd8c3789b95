"""`partner-account simulator`: the simulated Partner Central by itself, and its state, from its own endpoints."""

import errno
import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from partner_account_cli import rendering
from partner_account_cli.aws import Access
from partner_account_cli.errors import CommandError, require_posix
from partner_account_cli.options import NAME, debug_option, endpoint_option, output_option, pass_access, readings_option
from partner_account_rehearsal.simulator_client import SimulatorClient, SimulatorRefusedError

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT"
# Not options: everybody on a machine can see the arguments of its processes.
SESSION_TOKEN_VARIABLE = "PARTNER_CENTRAL_SIMULATOR_SESSION_TOKEN"  # noqa: S105 - the name of an environment variable
AUTHORIZER_VARIABLE = "PARTNER_CENTRAL_SIMULATOR_AUTHORIZER"
"""The rehearsal sets it to the URL of its local IAM."""

_FAULT_COLUMNS = ("operation", "kind", "times", "seconds", "lasting", "after_commit")


def _calls_running_simulator(command: Any) -> Any:
    """The options of a command that calls a running simulator."""
    endpoint = endpoint_option(f"The URL of the simulator; by default, the value of {ENDPOINT_VARIABLE}.")
    return endpoint(output_option(debug_option(pass_access(command))))


@click.group()
def simulator() -> None:
    """Run a simulated Partner Central, and inspect its requests.

    It runs on this machine, and never calls AWS.
    """


@simulator.command()
@click.option(
    "--host", metavar="ADDRESS", type=NAME, default="127.0.0.1", show_default=True, help="The address to listen on."
)
@click.option(
    "--port", metavar="PORT", type=click.IntRange(0, 65535), default=0, help="The port (default: a free one)."
)
@click.option("--verified", is_flag=True, help="Start with every account verified.")
@click.option("--any-credentials", is_flag=True, help="Accept service calls without the session token.")
@readings_option
@output_option
@debug_option
def start(*, host: str, port: int, verified: bool, any_credentials: bool, readings: Path | None, output: str) -> None:
    """Run the simulator until Ctrl-C.

    It keeps all partners in memory, prints how to point clients at it, and logs each request. Callers need its session
    token: the value of PARTNER_CENTRAL_SIMULATOR_SESSION_TOKEN, or a new one. It requires Linux or macOS.
    """
    require_posix("partner-account simulator start")
    from partner_central_simulator import Simulator  # noqa: PLC0415 - slow to import
    from partner_central_simulator.authorization import HttpAuthorizer  # noqa: PLC0415
    from partner_central_simulator.readings import load_readings  # noqa: PLC0415

    session_token = os.environ.get(SESSION_TOKEN_VARIABLE) or secrets.token_hex()
    iam = os.environ.get(AUTHORIZER_VARIABLE)
    log = logging.StreamHandler(sys.stderr if output == "json" else sys.stdout)
    log.setFormatter(_LogLine("%(asctime)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[log])
    try:
        running = Simulator(
            host=host,
            port=port,
            verified=verified,
            readings=load_readings(readings) if readings else None,
            session_token=session_token,
            any_credentials=any_credentials,
            authorizer=HttpAuthorizer(iam, session_token, os.environ.get("AWS_CA_BUNDLE")) if iam else None,
        ).start()
    except OSError as error:
        wrong = "--port" if error.errno in {errno.EADDRINUSE, errno.EACCES} else "--host"
        raise CommandError(f"the simulator can't listen on {host}:{port}: {error}", f"Use another {wrong}.") from None
    if output == "json":
        members = {"EndpointUrl": running.url, "Region": "us-east-1", "SessionToken": session_token}
        rendering.document(members, indent=None)
    else:
        for line in _INSTRUCTIONS.format(url=running.url, token=session_token, variable=ENDPOINT_VARIABLE).splitlines():
            rendering.say(line)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells make background jobs ignore it
    try:
        ended.wait()
    finally:
        running.stop()


class _LogLine(logging.Formatter):
    """Wraps log lines to the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return rendering.wrapped(super().format(record))


_INSTRUCTIONS = """\
Partner Central simulator listening on {url}

Point the AWS CLI or an SDK at it; a 12-digit access key selects that account:
export {variable}={url}
export AWS_DEFAULT_REGION=us-east-1
export AWS_ACCESS_KEY_ID=111111111111 AWS_SECRET_ACCESS_KEY=any
export AWS_SESSION_TOKEN={token}

A Lambda function gets its session token from Lambda: set {variable} for it, and start the simulator with \
--any-credentials.

The e-mails it sent, with their codes:
{url}/_simulator/outbox?X-Amz-Security-Token={token}
"""


@simulator.command()
@_calls_running_simulator
def outbox(access: Access, *, output: str) -> None:
    """Show the e-mails that were "sent", with their codes."""
    mails = _ask(access, "GET", "outbox")["outbox"]
    _write("Outbox", ("sent_at", "account", "catalog", "email", "code", "spent"), mails, output)


@simulator.command()
@click.option(
    "--since", metavar="NUMBER", type=click.IntRange(min=0), default=0, help="Show only requests after this number."
)
@_calls_running_simulator
def requests(access: Access, *, since: int, output: str) -> None:
    """Show the received requests.

    Sensitive values are masked; JSON output has all members.
    """
    received = _ask(access, "GET", f"requests?since={since}")["requests"]
    columns = ("number", "account", "operation", "status", "error_code", "error_reason", "faults")
    _write("Requests", columns, received, output)


@simulator.group()
def faults() -> None:
    """Make requests fail."""


@faults.command("list")
@_calls_running_simulator
def list_faults(access: Access, *, output: str) -> None:
    """Show the pending faults."""
    _write("Faults", _FAULT_COLUMNS, _ask(access, "GET", "faults")["faults"], output)


def _fault_kinds(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from partner_central_simulator import FaultKind  # noqa: PLC0415 - slow to import

    return [kind for kind in FaultKind if kind.startswith(incomplete.lower())]


@faults.command()
@click.argument("operation")
@click.argument("kind", shell_complete=_fault_kinds, type=str.lower)
@click.option(
    "--times", metavar="N", type=click.IntRange(min=1), default=1, help="How many requests fail. [default: 1]"
)
@click.option("--always", is_flag=True, help="Make every request fail.")
@click.option("--seconds", type=float, metavar="SECONDS", help="The length of a delay, or of a list's lag.")
@click.option("--lasting", type=float, metavar="SECONDS", help="How long the fault lasts, if it isn't used up first.")
@click.option("--after-commit", is_flag=True, help="Fail only after the request has taken effect.")
@_calls_running_simulator
def add(access: Access, /, *, output: str, always: bool, times: int, **settings: Any) -> None:
    """Make the next requests fail.

    OPERATION is the operation's name, or "*" for any.

    KIND is throttle, access-denied, internal-error (500), unavailable (503), cut (no response), delay, hang,
    no-profile-id, lagging-list (ListPartners omits new partners), no-tags (a new partner's tags are not shown yet),
    review-fails, review-takes-days (the profile task that StartProfileUpdateTask starts), echo (an error repeats the
    request), or garbled (a response is truncated).
    """
    order = {name: value for name, value in settings.items() if value is not None}
    added = _ask(access, "POST", "faults", {**order, "times": None if always else times})
    _write("Faults", _FAULT_COLUMNS, [added], output)


@faults.command()
@_calls_running_simulator
def clear(access: Access, *, output: str) -> None:
    """Remove all faults."""
    _write("Faults", _FAULT_COLUMNS, _ask(access, "DELETE", "faults")["faults"], output)


def _write(name: str, columns: Sequence[str], told: Sequence[Mapping[str, Any]], output: str) -> None:
    if output == "json":  # in the casing of all other commands
        entries = [{key.title().replace("_", ""): value for key, value in one.items()} for one in told]
        rendering.document({name: entries})
    elif not told:
        rendering.say(f"{name}: none")
    else:
        heads = [column.replace("_", " ").capitalize() for column in columns]
        cells = [[_cell(one[column]) for column in columns] for one in told]
        rendering.rows(heads, cells, {"200": rendering.GOOD})


def _cell(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(value) or "-"
        case str() if value.endswith("+00:00"):
            return rendering.when(datetime.fromisoformat(value))
    return "-" if value is None else str(value)


def _ask(access: Access, method: str, what: str, body: Any = None) -> Any:
    url = access.endpoint_url or os.environ.get(ENDPOINT_VARIABLE)
    if not url:
        raise click.UsageError(f"Missing option '--endpoint-url', and {ENDPOINT_VARIABLE} isn't set either.")
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise CommandError(f"{url!r} is not a simulator's URL", "Use the URL that it prints when it starts: http://…")
    access.log(f"{method} {url}/_simulator/{what}")
    try:
        return SimulatorClient(url, os.environ.get("AWS_SESSION_TOKEN", "")).ask(method, what, body)
    except OSError:
        raise CommandError(
            f"no simulator responds at {url}", "Start one with `partner-account simulator start`."
        ) from None
    except SimulatorRefusedError as error:
        remedy = "Correct what the error names."
        if error.is_forbidden:
            remedy = "Export AWS_SESSION_TOKEN as printed by the simulator, or by the rehearsal that keeps it."
        raise CommandError(f"the simulator refused: {error}", remedy) from None
