"""A server that speaks the wire protocol of the AWS Partner Central Account API, for laptops and CI.

Point any AWS SDK or the AWS CLI at it with `AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT`. It knows nothing of CDK,
CloudFormation or the construct in this project.
"""

from partner_central_simulator.faults import FaultKind, InjectedFault
from partner_central_simulator.models import Mail, ProfileTask, RecordedRequest, SimulatedPartner
from partner_central_simulator.readings import ProfileIdAppears, Readings
from partner_central_simulator.server import Simulator
from partner_central_simulator.service import AccountAdmin

__all__ = [
    "AccountAdmin",
    "FaultKind",
    "InjectedFault",
    "Mail",
    "ProfileIdAppears",
    "ProfileTask",
    "Readings",
    "RecordedRequest",
    "SimulatedPartner",
    "Simulator",
]
