"""AWS as one invocation sees it: its calls, the stack's gate and Partner Central, put together once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from partner_account_handler import calls
from partner_account_handler.calls import Calls
from partner_account_handler.clock import Clock
from partner_account_handler.partner_central import PartnerCentral
from partner_account_handler.stack_gate import StackGate


@dataclass(frozen=True)
class Aws:
    """What the decisions ask."""

    clock: Clock
    calls: Calls
    gate: StackGate
    partner_central: PartnerCentral


def aws_of(
    stack_id: str,
    clock: Clock,
    require_reachable: Callable[[], None],
    clients: Callable[[str, str], Any] = calls.client,
) -> Aws:
    """AWS for the requests of one stack; `require_reachable` tells whether an answer could be sent."""
    made = Calls(stack_id.split(":")[3], clock, clients)
    gate = StackGate(stack_id, made, require_reachable)
    return Aws(clock, made, gate, PartnerCentral(made, gate))
