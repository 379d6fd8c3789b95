"""`partner-account simulator`: the simulated Partner Central alone, and what it knows, by its own endpoints."""

import logging
import os
import secrets
import signal
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from partner_account_cli import rendering
from partner_account_cli.aws import Access
from partner_account_cli.errors import CommandError, require_posix
from partner_account_cli.options import output_option, readings_option
from partner_account_rehearsal.simulator_client import SimulatorClient, SimulatorRefusedError

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT"
# No options: the arguments of a process are shown to everybody on its machine.
SESSION_TOKEN_VARIABLE = "PARTNER_CENTRAL_SIMULATOR_SESSION_TOKEN"  # noqa: S105 - the name of an environment variable
AUTHORIZER_VARIABLE = "PARTNER_CENTRAL_SIMULATOR_AUTHORIZER"
"""The rehearsal names the address of its local IAM here."""

_STATUS = {"200": rendering.GOOD}


def _endpoint_url(context: click.Context, option: click.Parameter, url: str | None) -> str:
    access = context.find_object(Access)  # the option may stand before the command's name, too
    if url := url or (access and access.endpoint_url) or os.environ.get(ENDPOINT_VARIABLE):
        return url
    raise click.MissingParameter(ctx=context, param=option)


url_option = click.option(
    "--endpoint-url",
    "url",
    metavar="URL",
    callback=_endpoint_url,
    help=f"Where the simulator listens; by default what {ENDPOINT_VARIABLE} says.",
)


@click.group()
def simulator() -> None:
    """Run a simulated Partner Central, and see what it was asked.

    It runs on this machine. Nothing here ever reaches AWS.
    """


@simulator.command()
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", metavar="PORT", type=click.IntRange(0, 65535), default=0, help="The port (default: a free one)."
)
@click.option("--verified", is_flag=True, help="Start each account verified.")
@click.option("--any-credentials", is_flag=True, help="Accept calls of the service without the session token.")
@readings_option
def start(*, host: str, port: int, verified: bool, any_credentials: bool, readings: Path | None) -> None:
    """Run the simulator until Ctrl-C.

    It keeps all partners in memory, tells how to point clients at it, and then each request. It answers only whoever
    has its session token: what PARTNER_CENTRAL_SIMULATOR_SESSION_TOKEN says, or a new one. It needs Linux or macOS.
    """
    require_posix("partner-account simulator start")
    from partner_central_simulator import Simulator  # noqa: PLC0415 - it takes its time to load
    from partner_central_simulator.authorization import HttpAuthorizer  # noqa: PLC0415
    from partner_central_simulator.readings import ReadingsFileError, load_readings  # noqa: PLC0415

    session_token = os.environ.get(SESSION_TOKEN_VARIABLE) or secrets.token_hex()
    iam = os.environ.get(AUTHORIZER_VARIABLE)
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
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
    except ReadingsFileError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"the simulator can't listen at {host}:{port}: {error}", "Name another --port.") from None
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    click.echo(_instructions(running.url, session_token), sys.stdout)
    ended.wait()
    running.stop()


def _instructions(url: str, session_token: str) -> str:
    return f"""\
Partner Central simulator listening on {url}

Point a client at it, with the region us-east-1 and this session token (a 12-digit access key is its own account):
  AWS CLI and SDKs   export {ENDPOINT_VARIABLE}={url} AWS_DEFAULT_REGION=us-east-1
                     export AWS_ACCESS_KEY_ID=111111111111 AWS_SECRET_ACCESS_KEY=any AWS_SESSION_TOKEN={session_token}
  Lambda             {ENDPOINT_VARIABLE}={url} in the function's environment,
                     and --any-credentials for the simulator, since Lambda sets the session token itself
E-mails it sent, with their codes: {url}/_simulator/outbox?X-Amz-Security-Token={session_token}
"""


@simulator.command()
@url_option
@output_option
def outbox(*, url: str, output: str) -> None:
    """Show the e-mails that were "sent", with their codes."""
    mails = _ask(url, "GET", "outbox")["outbox"]
    columns = ("sent_at", "account", "catalog", "email", "code", "spent")
    _write("Outbox", columns, mails, output)


@simulator.command()
@click.option("--since", metavar="NUMBER", type=click.IntRange(min=0), default=0, help="Only those after this one.")
@url_option
@output_option
def requests(*, url: str, since: int, output: str) -> None:
    """Show the requests that were received.

    Sensitive values are left out; JSON has the rest of their members.
    """
    received = _ask(url, "GET", f"requests?since={since}")["requests"]
    columns = ("number", "account", "operation", "status", "error_code", "error_reason", "faults")
    _write("Requests", columns, received, output)


@simulator.group()
def faults() -> None:
    """Make requests fail."""


@faults.command("list")
@url_option
@output_option
def list_faults(*, url: str, output: str) -> None:
    """Show the faults that are still to come."""
    _write_faults(_ask(url, "GET", "faults")["faults"], output)


def _fault_kinds(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from partner_central_simulator import FaultKind  # noqa: PLC0415 - it takes its time to load

    return [kind for kind in FaultKind if kind.startswith(incomplete)]


@faults.command()
@click.argument("operation")
@click.argument("kind", shell_complete=_fault_kinds)
@click.option(
    "--times", metavar="N", type=click.IntRange(min=1), default=1, help="How many requests fail; one by default."
)
@click.option("--always", is_flag=True, help="Every request fails.")
@click.option("--seconds", type=float, metavar="SECONDS", help="How long a delay is, or how far a list lags behind.")
@click.option("--lasting", type=float, metavar="SECONDS", help="How long the fault lasts, if it isn't used up before.")
@click.option("--after-commit", is_flag=True, help="Fail only after the request has taken effect.")
@url_option
@output_option
def add(*, url: str, output: str, always: bool, times: int, **settings: Any) -> None:
    """Make the next requests fail.

    OPERATION is the operation's name, or "*" for any.

    KIND is throttle, access-denied, internal-error (500), unavailable (503), cut (no answer), delay, hang,
    lagging-list (ListPartners omits new partners), no-profile-id, no-tags (a new partner's tags
    are not shown yet), echo (an error repeats the request), or garbled (an answer breaks off).
    """
    order = {name: value for name, value in settings.items() if value is not None}
    added = _ask(url, "POST", "faults", {**order, "times": None if always else times})
    _write_faults([added], output)


@faults.command()
@url_option
@output_option
def clear(*, url: str, output: str) -> None:
    """Remove all faults."""
    _write_faults(_ask(url, "DELETE", "faults")["faults"], output)


def _write_faults(told: list[dict[str, Any]], output: str) -> None:
    _write("Faults", ("operation", "kind", "times", "seconds", "lasting", "after_commit"), told, output)


def _write(name: str, columns: tuple[str, ...], told: list[dict[str, Any]], output: str) -> None:
    if output == "json":
        rendering.document({name: told})
    elif not told:
        rendering.say(f"{name}: none")
    else:
        heads = [column.replace("_", " ").capitalize() for column in columns]
        rendering.rows(heads, [[_cell(one[column]) for column in columns] for one in told], _STATUS)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, str) and value.endswith("+00:00"):
        return rendering.when(datetime.fromisoformat(value))
    return "-" if value is None else str(value)


def _ask(url: str, method: str, what: str, body: Any = None) -> Any:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise CommandError(f"{url!r} is no address of a simulator", "It tells its own when it starts: http://…")
    try:
        return SimulatorClient(url, os.environ.get("AWS_SESSION_TOKEN", "")).ask(method, what, body)
    except OSError:
        raise CommandError(
            f"no simulator answers at {url}", "Start one by `partner-account simulator start`."
        ) from None
    except SimulatorRefusedError as error:
        remedy = "Correct what this names."
        if error.is_forbidden:
            remedy = "Export AWS_SESSION_TOKEN as the simulator, or the rehearsal that keeps it, has told."
        raise CommandError(f"the simulator refused: {error}", remedy) from None
