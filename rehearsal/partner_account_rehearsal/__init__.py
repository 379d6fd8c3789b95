"""A rehearsal: the user's own CDK app, deployed on this machine before it is deployed for real.

Its parts: what the app would create (`assembly`, `partners`, `iam_statements`), what can't be shown and what the local
AWS can't create (`limits`, `stand_ins`), what the account must have (`bootstrap`), what goes wrong on purpose
(`faults`), where the code goes (`verification_codes`), the steps themselves (`steps`, `step_runner`), what is told of
it all (`report`, `terminal`, `page`), and the whole of it (`run`).
"""

import importlib.util


class RehearsalError(Exception):
    """A step failed, or did something else than it should; the sentence ends with the remedy, if there is one."""


def require_installed(*packages: str) -> None:
    """Refuse to go on without packages that only another process will import.

    Raises:
        ModuleNotFoundError: the first one that is not installed.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(name=package)
