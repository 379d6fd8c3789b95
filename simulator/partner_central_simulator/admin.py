"""The simulator's own endpoints below `/_simulator`, for other processes and for humans. Nothing here exists at AWS."""

import json
from dataclasses import asdict
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from werkzeug.exceptions import BadRequest, Forbidden, Gone, HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from partner_central_simulator.faults import Faults
from partner_central_simulator.identity import has_session_token
from partner_central_simulator.journal import Journal
from partner_central_simulator.service import Service

PREFIX = "/_simulator/"

_OUTCOMES = ("SUCCEEDED", "FAILED", "REJECTED")


class AdminEndpoints:
    """Answers the simulator's own endpoints, to callers on this machine only."""

    def __init__(self, service: Service, faults: Faults, journal: Journal, session_token: str | None = None) -> None:
        """Show and change these three, for whoever has the session token if there is one."""
        self._service = service
        self._faults = faults
        self._journal = journal
        self._session_token = session_token
        self._routes = Map(
            [
                Rule(f"{PREFIX}outbox", endpoint=self._outbox, methods=["GET"]),
                Rule(f"{PREFIX}requests", endpoint=self._requests, methods=["GET"]),
                Rule(f"{PREFIX}faults", endpoint=self._pending_faults, methods=["GET"]),
                Rule(f"{PREFIX}faults", endpoint=self._add_fault, methods=["POST"]),
                Rule(f"{PREFIX}faults", endpoint=self._clear_faults, methods=["DELETE"]),
                Rule(f"{PREFIX}verifications/<token>", endpoint=self._complete_verification, methods=["GET", "POST"]),
            ]
        )

    def respond(self, request: Request) -> Response:
        """Answer one request in JSON."""
        try:
            _require_loopback(request)
            endpoint, arguments = self._routes.bind_to_environ(request.environ).match()
            # A human opens a completion URL, which nobody can guess, in a browser, which has no session token.
            if "token" not in arguments and self._session_token and not has_session_token(request, self._session_token):
                raise Forbidden("the session token is not the one that the simulator has told when it was started")
            answer, status = endpoint(request, **arguments), 200
        except HTTPException as error:
            answer, status = {"error": error.description}, error.code or 500
        return Response(json.dumps(answer, default=datetime.isoformat) + "\n", status, content_type="application/json")

    def _outbox(self, _request: Request) -> dict[str, Any]:
        with self._service.transaction() as state:
            return {"outbox": [asdict(mail) for mail in state.outbox]}

    def _requests(self, request: Request) -> dict[str, Any]:
        return {"requests": [asdict(entry) for entry in self._journal.since(request.args.get("since", 0, type=int))]}

    def _pending_faults(self, _request: Request) -> dict[str, Any]:
        return {"faults": [asdict(fault) for fault in self._faults.pending]}

    def _add_fault(self, request: Request) -> dict[str, Any]:
        try:
            return asdict(self._faults.add(**request.get_json(force=True)))
        except (TypeError, ValueError) as error:
            raise BadRequest(str(error)) from None

    def _clear_faults(self, request: Request) -> dict[str, Any]:
        self._faults.clear()
        return self._pending_faults(request)

    def _complete_verification(self, request: Request, token: str) -> dict[str, str]:
        outcome = request.args.get("outcome", _OUTCOMES[0])
        if outcome not in _OUTCOMES:
            raise BadRequest(f"outcome must be one of {', '.join(_OUTCOMES)}")
        verification = self._service.complete_verification(token, outcome)
        if verification is None:
            raise Gone("nothing is pending here: it was completed, or has expired; start the verification again")
        return {"type": verification.type, "status": verification.status}


def _require_loopback(request: Request) -> None:
    # The outbox holds the codes. The service itself may be reached from a container, by `--host`.
    if not ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104 - stands for "not known"
        raise Forbidden("only for callers on the simulator's own machine")
