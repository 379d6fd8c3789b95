"""The contract of Partner Central as a suite of calls that runs against any endpoint, in catalog Sandbox only.

`questions` is the table of questions, `profile_life` the lifecycle of a profile for some of them, `sandbox` makes the
calls, `report` has the findings. Against the simulator it must find the readings that the simulator was started with;
against AWS it finds those that are true there.
"""

from partner_central_simulator.contract.questions import LOGO_URL, ContractRun
from partner_central_simulator.contract.report import ContractFinding, ContractReport, Status
from partner_central_simulator.contract.sandbox import CATALOG, MOST_CALLS, Sandbox, StoppedError, client_config

__all__ = [
    "CATALOG",
    "LOGO_URL",
    "MOST_CALLS",
    "ContractFinding",
    "ContractReport",
    "ContractRun",
    "Sandbox",
    "Status",
    "StoppedError",
    "client_config",
]
