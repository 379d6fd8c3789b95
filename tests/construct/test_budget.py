"""What PartnerAccount may cost, in machine-independent numbers; `make bench` measures the rest, such as time.

What the handler sends is counted by tests/handler/test_create.py and test_update.py.
That a deployment without changes asks Partner Central nothing is shown by tests/e2e/test_rehearse.py,
with the real cdk CLI.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from jsii._kernel.providers.process import _NodeProcess

from benchmarks.synths import counts
from tests.construct.apps import new_app, partner_in


@pytest.mark.parametrize("partners", [1, 5])
def test_a_stack_has_one_function_and_one_role_and_each_partner_one_policy(partners: int) -> None:
    """The function, its role, delivery settings, log group and policy; each partner adds two resources.

    Two of a partner's ten statements have a resource `*` without a condition: reading tags, and who imports an export.
    """
    app = new_app()
    stack = cdk.Stack(app, "Demo")
    for number in range(partners):
        partner_in(stack, f"Partner{number}", legal_name=f"Example Corp {number}")
    app.synth()
    counted = counts(Path(app.outdir))
    assert (counted["functions"], counted["roles"]) == (1, 1)
    assert counted["resources"] == 5 + 2 * partners
    assert counted["asset bytes"] <= 60 * 1024
    assert counted["IAM statements"] == 1 + 10 * partners
    assert counted["IAM wildcards"] == 2 * partners
    assert counted["template bytes"] <= 3_500 + 6_500 * partners


def test_additional_partner_makes_few_jsii_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python calls CDK in a Node.js process; each call takes an eighth of a millisecond or more."""
    asked = 0
    send = _NodeProcess.send

    def counting(process: _NodeProcess, *request: Any) -> Any:
        nonlocal asked
        asked += 1
        return send(process, *request)

    monkeypatch.setattr(_NodeProcess, "send", counting)
    questions = []
    for partners in (2, 7):
        app, before = new_app(), asked
        stack = cdk.Stack(app, "Demo")
        for number in range(partners):
            partner_in(stack, f"Partner{number}", legal_name=f"Example Corp {number}")
        app.synth()
        questions.append(asked - before)
    few, more = questions
    assert 0 < few < 500
    assert 0 < more - few <= 5 * 160


def test_import_loads_no_cdk_module_that_a_function_would_not_load_and_no_aws_sdk() -> None:
    """CDK's modules take most of the import time; these are the minimum for a function, its log group and key."""

    def loaded(module: str) -> set[str]:
        program = f"import sys, {module}; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        return set(done.stdout.split())

    ours, least = loaded("partner_account"), loaded("aws_cdk.aws_lambda, aws_cdk.aws_logs, aws_cdk.aws_kms")
    assert {name for name in ours - least if name.startswith(("aws_cdk", "jsii", "constructs"))} == set()
    assert not ours & {"boto3", "botocore", "crhelper", "urllib3", "click", "partner_account_cli"}
    assert len([name for name in ours if name.startswith("partner_account")]) <= 40
