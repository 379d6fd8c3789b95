"""The log of the function that the real cdk CLI has deployed on a local AWS, as CloudWatch Logs hands it out.

MiniStack keeps what a function writes, with Lambda's own lines around it, but makes no metrics of it: what CloudWatch
would make of a line is worked out from the line. A log group that AWS retains, MiniStack empties when the stack is
created again, so the log is read before that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from partner_account_rehearsal.local_aws import LocalAws, local_aws
from tests.e2e.test_deployment import REAL, ROOT, Account, unlucky_app
from tests.handler.log_lines import final_lines_of, lines_of, without_times

pytestmark = pytest.mark.e2e

OF_LAMBDA = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ")
SECONDS = 10.0


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """A running local AWS."""
    with local_aws() as aws:
        yield aws


def log_of(account: Account, requests: int) -> str:
    """All that the account's functions wrote, as soon as so many requests are over; Lambda's own lines left out."""
    deadline = time.monotonic() + SECONDS
    while True:
        messages = list(_messages(account.aws.client("logs")))
        # On a busy machine MiniStack may write Lambda's last line before the function's.
        if all(sum(mark in message for message in messages) >= requests for mark in ("REPORT ", '"outcome": ')):
            return "\n".join(message for message in messages if not message.startswith(OF_LAMBDA))
        assert time.monotonic() < deadline, f"only {messages} after {SECONDS} s"
        time.sleep(0.1)


def _messages(logs: Any) -> Iterator[str]:
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    events = [event for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]]
    yield from (event["message"] for event in sorted(events, key=lambda event: event["timestamp"]))


def test_each_request_of_cloudformation_ends_with_one_line(aws: LocalAws) -> None:
    """Deployed, changed, refused, rolled back, destroyed and deployed again: the log tells it, and names nobody."""
    account = Account(aws, ROOT)
    code = account.store_code()
    assert account.deploy().exit_code == 0
    assert account.deploy(business_title="Head of Alliances").exit_code == 0
    refused = account.deploy(business_title="Head of Alliances", legal_name="Example Holding")
    assert refused.exit_code == 1
    partner = account.outputs("PartnerAccount")["PartnerId"]
    log = log_of(account, requests=4)
    assert account.cdk("destroy", "--all", "--force").exit_code == 0
    assert account.deploy(business_title="Head of Alliances").exit_code == 0

    log = f"{log}\n{log_of(account, requests=1)}"
    lines = final_lines_of(log)
    assert [(line["operation"], line["outcome"], line.get("reason")) for line in lines] == [
        ("Create", "Created", None),
        ("Update", "Updated", None),
        ("Update", "Refused", "CreateOnly"),
        ("Update", "Unchanged", None),
        ("Create", "Recovered", None),
    ]
    assert {line["partner"] for line in lines} == {partner}
    assert {(line["StackName"], line["LogicalResourceId"]) for line in lines} == {_place(account)}
    assert lines[2]["message"] in " ".join(refused.output.split())
    personal = [value for name, value in account.values.items() if name in {"first_name", "last_name", "legal_name"}]
    for secret in (code, REAL["email"], "Head of Alliances", "Example Holding", "Signature", *personal):
        assert secret not in without_times(log)


def _place(account: Account) -> tuple[str, str]:
    """The stack's name, and the partner's logical id in it."""
    found = account.aws.client("cloudformation").describe_stack_resources(StackName="PartnerAccount")["StackResources"]
    (resource,) = [one for one in found if one["ResourceType"] == "Custom::PartnerAccount"]
    return resource["StackName"], resource["LogicalResourceId"]


def test_a_rollback_that_is_let_through_is_loud(aws: LocalAws, tmp_path: Path) -> None:
    """Another resource fails after the contact's address was changed, and nobody has a code for the former one."""
    account = Account(aws, unlucky_app(tmp_path))
    account.store_code()
    assert account.deploy().exit_code == 0
    account.partner_central.send_email_verification_code(Catalog="AWS", Email="ann.roe@example.com")
    account.store_code(aws.partner_central.outbox()[-1].code)
    assert account.deploy(email="ann.roe@example.com", fail_later="yes").exit_code == 1
    assert account.stack("PartnerAccount")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    log = log_of(account, requests=3)
    created, updated, let_through = final_lines_of(log)
    assert (created["outcome"], updated["outcome"]) == ("Created", "Updated")
    assert (let_through["outcome"], let_through["level"]) == ("RollbackTolerated", "ERROR")
    assert "EmailVerificationCode:INVALID_VALUE" in let_through["message"]
    (call,) = [line for line in lines_of(log) if line["message"] == "call failed"]
    assert (call["operation"], call["request"]) == ("PutAllianceLeadContact", let_through["request"])
