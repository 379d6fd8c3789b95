"""AWS as one invocation sees it: its calls, the stack's gate and Partner Central, put together once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from partner_account_handler.calls import Calls, client
from partner_account_handler.clock import Clock
from partner_account_handler.partner_central import PartnerCentral
from partner_account_handler.stack_gate import StackGate


class Aws:
    """What the decisions ask; `require_reachable` raises a CallError if no answer could be sent."""

    def __init__(
        self,
        stack_id: str,
        clock: Clock,
        require_reachable: Callable[[], None],
        clients: Callable[[str, str], Any] = client,
    ) -> None:
        self.clock = clock
        self.calls = Calls(stack_id.split(":")[3], clock, clients)
        self.gate = StackGate(stack_id, self.calls, require_reachable)
        self.partner_central = PartnerCentral(self.calls, self.gate)
