"""The contract of Partner Central as a suite of calls that runs against any endpoint, in catalog Sandbox only.

`run` asks, `sandbox` calls, `findings` are what came of it. Against the simulator it must find the readings that the
simulator was started with; against AWS it finds those that are true there.
"""

from partner_central_simulator.contract.findings import Finding, Report, Status
from partner_central_simulator.contract.run import ContractRun
from partner_central_simulator.contract.sandbox import CATALOG, MOST_CALLS, Sandbox, StoppedError, client_config

__all__ = [
    "CATALOG",
    "MOST_CALLS",
    "ContractRun",
    "Finding",
    "Report",
    "Sandbox",
    "Status",
    "StoppedError",
    "client_config",
]
