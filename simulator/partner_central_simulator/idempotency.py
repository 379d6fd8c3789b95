"""Client tokens: which requests are repetitions of an earlier one, and which contradict it."""

import hashlib
import json
from collections.abc import Callable

from partner_central_simulator.exceptions import ConflictError, ServiceError
from partner_central_simulator.models import Call, Request, TokenUse


def once(call: Call, act: Callable[[], str]) -> str:
    """Run `act` once per client token, and return the id of what it made, also to a repeated request.

    Tokens live as long as the simulator's state: how long AWS remembers them is not documented.
    """
    token = call.request.get("ClientToken")
    if token is None:
        return act()
    key = f"{call.operation}/{token}"
    fingerprint = _fingerprint(call.request)
    earlier = call.account.tokens.get(key)
    if earlier and (made := _earlier_result(call, earlier, fingerprint)):
        return made
    return _run(call, key, fingerprint, act)


def _earlier_result(call: Call, earlier: TokenUse, fingerprint: str) -> str | None:
    if earlier.fingerprint != fingerprint and call.readings.reused_token_conflicts:
        raise ConflictError("The client token was used with other parameters before.", Reason="CONFLICT_CLIENT_TOKEN")
    return earlier.made


def _run(call: Call, key: str, fingerprint: str, act: Callable[[], str]) -> str:
    try:
        made = act()
    except ServiceError:
        if call.readings.failed_request_keeps_token:
            call.account.tokens[key] = TokenUse(fingerprint, made=None)
        raise
    call.account.tokens[key] = TokenUse(fingerprint, made)
    return made


def _fingerprint(request: Request) -> str:
    body = {name: value for name, value in request.items() if name != "ClientToken"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
