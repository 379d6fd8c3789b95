"""A server that speaks the wire protocol of the AWS Partner Central Account API, for laptops and CI.

Point any AWS SDK or the AWS CLI at it with `AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT`. It knows nothing of CDK,
CloudFormation or the construct in this project.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from partner_central_simulator.faults import FaultKind, InjectedFault
    from partner_central_simulator.models import Mail, RecordedRequest, SimulatedPartner, SimulatedProfileTask
    from partner_central_simulator.readings import ProfileIdAppears, ProfileIdComesWith, Readings
    from partner_central_simulator.server import Simulator
    from partner_central_simulator.service import AccountAdmin
    from partner_central_simulator.testing import simulate_partner_central

__all__ = [
    "AccountAdmin",
    "FaultKind",
    "InjectedFault",
    "Mail",
    "ProfileIdAppears",
    "ProfileIdComesWith",
    "Readings",
    "RecordedRequest",
    "SimulatedPartner",
    "SimulatedProfileTask",
    "Simulator",
    "simulate_partner_central",
]


def __getattr__(name: str) -> Any:
    """Import a name in `__all__` on its first use: pytest imports this package in every project's tests."""
    if name in __all__:
        for module in ("readings", "models", "service", "faults", "server", "testing"):
            found = getattr(import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
