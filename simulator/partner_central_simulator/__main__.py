"""`python -m partner_central_simulator`: the simulator alone, until it is interrupted."""

import argparse
import io
import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from partner_central_simulator.authorization import HttpAuthorizer
from partner_central_simulator.identity import SESSION_TOKEN
from partner_central_simulator.readings import Readings
from partner_central_simulator.readings_file import ReadingsFileError, load_readings
from partner_central_simulator.server import ENDPOINT_VARIABLE, Simulator
from partner_central_simulator.store import StateFileError

SESSION_TOKEN_VARIABLE = "PARTNER_CENTRAL_SIMULATOR_SESSION_TOKEN"  # noqa: S105 - the name of an environment variable
AUTHORIZER_VARIABLE = "PARTNER_CENTRAL_SIMULATOR_AUTHORIZER"
_HIGHEST_PORT = 65535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; the exit status is 0 then, and 1 if the simulator could not start."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name or an address may not fit into the terminal's encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
    # Not an option: the arguments of a process are shown to everybody on its machine.
    session_token = os.environ.get(SESSION_TOKEN_VARIABLE) or secrets.token_hex()
    # Not an option either: it is of use only to the program that starts both.
    url = os.environ.get(AUTHORIZER_VARIABLE)
    authorizer = HttpAuthorizer(url, session_token, os.environ.get("AWS_CA_BUNDLE")) if url else None
    try:
        with Simulator(**vars(options), session_token=session_token, authorizer=authorizer) as simulator:
            print(_instructions(simulator.url, session_token), flush=True)  # noqa: T201 - a command line's own words
            _wait_for_end()
    except (OSError, StateFileError) as error:
        print(f"the simulator cannot run: {error}", file=sys.stderr)  # noqa: T201 - a command line's own words
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m partner_central_simulator",
        description="A simulated AWS Partner Central Account API for boto3, the AWS CLI and any other SDK.",
    )
    parser.add_argument("--port", type=_port, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--verified", action="store_true", help="new accounts begin verified")
    parser.add_argument("--state-file", type=Path, help="keep all partners in this file (default: in memory)")
    parser.add_argument("--any-credentials", action="store_true", help="calls of the service need no session token")
    parser.add_argument(
        "--readings", type=_readings, metavar="FILE", help="answer as this report of `partner-account probe` says"
    )
    return parser


def _readings(path: str) -> Readings:
    try:
        return load_readings(Path(path))
    except ReadingsFileError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: name one from 1 to {_HIGHEST_PORT}, or 0 for any")
    return int(text)


def _instructions(url: str, session_token: str) -> str:
    return f"""\
Partner Central simulator listening on {url}

Point a client at it, with the region us-east-1 and this session token (a 12-digit access key is its own account):
  AWS CLI and SDKs   export {ENDPOINT_VARIABLE}={url} AWS_DEFAULT_REGION=us-east-1
                     export AWS_ACCESS_KEY_ID=111111111111 AWS_SECRET_ACCESS_KEY=any AWS_SESSION_TOKEN={session_token}
  Lambda             {ENDPOINT_VARIABLE}={url} in the function's environment,
                     and --any-credentials for the simulator, since Lambda sets the session token itself
E-mails it sent, with their codes: {url}/_simulator/outbox?{SESSION_TOKEN}={session_token}
"""


def _wait_for_end() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


if __name__ == "__main__":
    sys.exit(main())
