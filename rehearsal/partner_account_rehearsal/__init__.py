"""A rehearsal: the user's own CDK app, deployed on this machine before it is deployed for real.

Its parts: what the app would create (`assembly`, `partners`, `iam_statements`), what can't be rehearsed and what the
local AWS can't create (`limits`, `stand_ins`), what the account must have (`bootstrap`), injected faults (`faults`),
where the code goes (`verification_codes`), the steps themselves (`steps`, `step_runner`), how they are reported
(`report`, `terminal`, `page`), and the whole rehearsal (`run`).
"""

import importlib.util


class RehearsalError(Exception):
    """A step failed, or had an unexpected outcome; the sentence ends with the remedy, if there is one."""


def require_installed(*packages: str) -> None:
    """Require packages that only another process imports.

    Raises:
        ModuleNotFoundError: the first one that is not installed.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(name=package)
