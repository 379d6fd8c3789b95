"""Calls to AWS: a failed one becomes a `CallError`, and what may be repeated is repeated here.

botocore's own retries are off, so that none is hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from partner_account_handler import log
from partner_account_handler.clock import Clock, pauses
from partner_account_handler.errors import CallError, TimeLeftError
from partner_account_handler.failure import CallOutcome, incomplete_answer
from partner_account_handler.service_errors import call_failure

_MODELS = Path(__file__).resolve().parent.parent / "models"
"""Where the asset carries the service model: a runtime's own boto3 may be older than the service."""

API_VERSION = "2025-04-04"
"""That of the model in the asset. Unless told, botocore takes the latest that it finds, which may be the runtime's."""

CALL_CONFIG = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 1})
STACK_CONFIG = CALL_CONFIG.merge(Config(connect_timeout=2, read_timeout=5))
"""For CloudFormation, which may still be asked in the time that is kept back."""

_LAST_QUESTIONS = {"DescribeStacks"}
"""May be asked in the time that is kept back: the answer tells a rollback from other failures."""

_LAG_SECONDS = 30.0
"""How long a partner that another call knew may not be found: no part of AWS knows everything at once."""


@cache
def _session() -> botocore.session.Session:
    session = botocore.session.Session()
    if _MODELS.is_dir():
        session.get_component("data_loader").search_paths.insert(0, str(_MODELS))
    return session


def ca_bundle() -> str | None:
    """The file of certificate authorities that botocore was told to trust, if it was told one."""
    bundle: str | None = _session().get_config_variable("ca_bundle")
    return bundle


@cache
def client(service: str, region: str) -> Any:
    """The botocore client of a service, made once per process."""
    config = STACK_CONFIG if service == "cloudformation" else CALL_CONFIG
    version = API_VERSION if service == "partnercentral-account" else None
    return _session().create_client(service, region_name=region, api_version=version, config=config)


class Calls:
    """The calls of one invocation, in the stack's own region unless told otherwise, repeated until its time is up."""

    def __init__(self, region: str, clock: Clock, clients: Callable[[str, str], Any] = client) -> None:
        self.clock = clock
        self.clients = clients
        self._region = region

    def call(
        self,
        service: str,
        operation: str,
        *,
        region: str = "",
        needs: str = "",
        repeat: bool = True,
        before: Callable[[], None] = lambda: None,
        **members: Any,
    ) -> Mapping[str, Any]:
        """Calls until there is an answer that has what it `needs`; `before` comes before each try.

        Raises:
            CallError: it failed, and may not be repeated, or no time is left to.
            TimeLeftError: no time was left for the first try.
        """
        service_client = self.clients(service, region or self._region)
        name = service_client.meta.method_to_api_mapping[operation]
        waited = 0.0
        for pause in pauses():
            before()
            if self.clock.left() <= 0 and name not in _LAST_QUESTIONS:
                raise TimeLeftError(name)
            try:
                answer: Mapping[str, Any] = getattr(service_client, operation)(**members)
            except Exception as cause:  # noqa: BLE001 - botocore's parsers stumble over a broken answer in many ways
                error = CallError(call_failure(name, cause))
            else:
                if not needs or answer.get(needs) is not None:
                    return answer
                error = CallError(incomplete_answer(name))
            log.warning("call failed", **error.failure.log_fields())
            is_lagging = error.failure.reason == "PARTNER_NOT_FOUND" and waited < _LAG_SECONDS
            if not (repeat and (is_lagging or self.may_pass(error)) and self.clock.pause(pause)):
                raise error
            waited += pause
        raise AssertionError("pauses never end")

    def may_pass(self, error: CallError) -> bool:
        """Whether the same call may succeed later in this invocation."""
        if error.failure.call_outcome is CallOutcome.DENIED:
            return self.clock.is_settling()
        return error.failure.call_outcome is not CallOutcome.REFUSED
