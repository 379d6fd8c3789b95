"""`partner-account simulator`: the simulated Partner Central alone, and what it knows, by its own endpoints."""

import http.client
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from partner_account_cli import rendering
from partner_account_cli.errors import CommandError, require_posix
from partner_account_cli.options import output_option, readings_option
from partner_account_rehearsal import require_installed

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT"
FAULT_KINDS = (
    "throttle",
    "access-denied",
    "internal-error",
    "unavailable",
    "cut",
    "delay",
    "hang",
    "lagging-list",
    "no-profile-id",
    "no-tags",
    "echo",
    "garbled",
)
_OK = 200
_FORBIDDEN = 403
_STATUS = {"200": rendering.GOOD}

url_option = click.option(
    "--endpoint-url",
    "url",
    metavar="URL",
    envvar=ENDPOINT_VARIABLE,
    required=True,
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
@click.option("--verified", is_flag=True, help="Let each account begin verified.")
@click.option("--state-file", metavar="FILE", help="Keep all partners in this file (default: in memory).")
@click.option("--any-credentials", is_flag=True, help="Let calls of the service do without its session token.")
@readings_option
def start(
    *,
    host: str,
    port: int,
    verified: bool,
    state_file: str | None,
    any_credentials: bool,
    readings: Path | None,
) -> None:
    """Run the simulator until Ctrl-C.

    It tells how to point clients at it, and then each request. It answers only whoever has its session token: what
    PARTNER_CENTRAL_SIMULATOR_SESSION_TOKEN says, or a new one. It needs Linux or macOS.
    """
    require_posix("partner-account simulator start")
    require_installed("werkzeug", "cattrs")
    command = [sys.executable, "-m", "partner_central_simulator", "--host", host, "--port", str(port)]
    command += ["--verified"] if verified else []
    command += ["--state-file", state_file] if state_file else []
    command += ["--any-credentials"] if any_credentials else []
    command += ["--readings", str(readings)] if readings else []
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - it takes this process's place, so signals and status are its own


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
    """Have requests fail."""


@faults.command("list")
@url_option
@output_option
def list_faults(*, url: str, output: str) -> None:
    """Show the faults that wait for a request."""
    _write_faults(_ask(url, "GET", "faults")["faults"], output)


@faults.command()
@click.argument("operation")
@click.argument("kind", metavar="KIND", type=click.Choice(FAULT_KINDS))
@click.option("--times", metavar="N", type=click.IntRange(min=1), default=1, help="How many it meets; one by default.")
@click.option("--always", is_flag=True, help="It meets each request.")
@click.option("--seconds", type=float, metavar="SECONDS", help="How long a delay is, or how far a list lags behind.")
@click.option("--lasting", type=float, metavar="SECONDS", help="When the fault is over, used up or not.")
@click.option("--after-commit", is_flag=True, help="It strikes when the request has taken effect already.")
@url_option
@output_option
def add(*, url: str, output: str, always: bool, times: int, **settings: Any) -> None:
    """Let the next requests meet a fault.

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
    """Forget all faults."""
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
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        session_token = {"X-Amz-Security-Token": os.environ.get("AWS_SESSION_TOKEN", "")}
        connection.request(method, f"/_simulator/{what}", None if body is None else json.dumps(body), session_token)
        answer = connection.getresponse()
        content = json.load(answer)
    except (OSError, http.client.HTTPException, ValueError):
        raise CommandError(
            f"no simulator answers at {url}", "Start one by `partner-account simulator start`."
        ) from None
    finally:
        connection.close()
    if answer.status == _FORBIDDEN:
        remedy = "Export AWS_SESSION_TOKEN as the simulator, or the rehearsal that keeps it, has told."
        raise CommandError(f"the simulator refused: {content['error']}", remedy)
    if answer.status != _OK:
        raise CommandError(f"the simulator refused: {content['error']}", "Correct what this names.")
    return content
