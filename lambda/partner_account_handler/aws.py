"""AWS as one invocation sees it: its calls, the stack's gate and Partner Central, put together once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from partner_account_handler.calls import Calls, client
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

    @classmethod
    def of(
        cls,
        stack_id: str,
        clock: Clock,
        require_reachable: Callable[[], None],
        clients: Callable[[str, str], Any] = client,
    ) -> Aws:
        """AWS for a request of a stack; `require_reachable` raises a CallError if no answer could be sent."""
        calls = Calls(stack_id.split(":")[3], clock, clients)
        gate = StackGate(stack_id, calls, require_reachable)
        return cls(clock, calls, gate, PartnerCentral(calls, gate))
