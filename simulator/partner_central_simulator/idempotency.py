"""Client tokens: which requests are repetitions of an earlier one, and which contradict it."""

import hashlib
import json
from collections.abc import Callable

from partner_central_simulator.exceptions import ConflictError, ServiceError
from partner_central_simulator.models import Call, TokenUse


def once(call: Call, act: Callable[[], str]) -> str:
    """Run `act` once per client token, and return the id of what it made, also to a repeated request.

    Tokens live as long as the simulator's state: how long AWS remembers them is not documented.
    """
    token = call.request.get("ClientToken")
    if token is None:
        return act()
    key = f"{call.operation}/{token}"
    body = {name: value for name, value in call.request.items() if name != "ClientToken"}
    fingerprint = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    if earlier := call.account.tokens.get(key):
        if earlier.fingerprint != fingerprint and call.readings.reused_token_conflicts:
            raise ConflictError(
                "The client token was used with other parameters before.", Reason="CONFLICT_CLIENT_TOKEN"
            )
        if earlier.made:
            return earlier.made
    try:
        made = act()
    except ServiceError:
        if call.readings.failed_request_keeps_token:
            call.account.tokens[key] = TokenUse(fingerprint, made=None)
        raise
    call.account.tokens[key] = TokenUse(fingerprint, made)
    return made
