"""What PartnerAccount may cost, in numbers that no machine changes; `make bench` measures the rest, such as time.

That a deployment without changes asks Partner Central nothing is shown by tests/e2e/test_rehearse.py,
with the real cdk CLI.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from benchmarks import synths
from benchmarks.contenders import ROOT
from benchmarks.synths import counts
from partner_account import ExistingPartner
from partner_account_handler import aws, lifecycle
from partner_central_simulator import ProfileIdAppears, Readings
from tests.construct.test_partners_of_an_app import new_app, partner_in
from tests.handler.cloud import REGION, Cloud, contact, open_cloud, properties

MOST_RESOURCES = {1: 7, 10: 16, 100: 106}
"""The function, its role, its delivery settings, its log group and two policies; and the partners."""

AT_ONCE = Readings(profile_id=ProfileIdAppears.AT_ONCE)


def counts_of(partners: int) -> dict[str, float]:
    """What a stack with so many partners holds, and what is uploaded for it."""
    app = new_app()
    stack = cdk.Stack(app, "Demo")
    for number in range(partners):
        name, policy = f"Partner{number}", ExistingPartner.allow_another()
        partner_in(stack, name, legal_name=f"Example Corp {number}", existing_partner=policy)
    app.synth()
    return counts(Path(app.outdir))


@pytest.mark.parametrize("partners", MOST_RESOURCES)
def test_a_stack_has_one_of_everything(partners: int) -> None:
    """However many partners a stack has, it has one function, one role, an asset of at most 60 KB and ten statements.

    One of these has a resource `*` without a condition: reading tags.
    """
    counted = counts_of(partners)
    assert (counted["functions"], counted["roles"]) == (1, 1)
    assert counted["resources"] <= MOST_RESOURCES[partners]
    assert counted["asset bytes"] <= 60 * 1024
    assert counted["IAM statements"] <= 10
    assert counted["IAM wildcards"] <= 1
    assert counted["template bytes"] <= 8_500 + 2_000 * partners  # of these 450 for cdk-nag 2


def questions_for(partners: int, folder: Path) -> int:
    """How often Python asks CDK, in its process of Node.js, in the synthesis of so many partners: by jsii's own log."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.apps.construct"],
        cwd=ROOT,
        env=synths.environment()
        | {"JSII_DEBUG": "1", "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps({"partners": partners})},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stderr.count('"api":')


def test_a_further_partner_asks_cdk_little(tmp_path: Path) -> None:
    """Each question costs an eighth of a millisecond or more; one of a partner's is the test app's own."""
    few, more = (questions_for(partners, tmp_path / str(partners)) for partners in (2, 12))
    assert 0 < few < 200
    assert 0 < more - few <= 10 * 35


class Wire:
    """Every request that the handler's clients send, by service and operation, until it is asked for."""

    def __init__(self, cloud: Cloud) -> None:
        """Listen where botocore sends."""
        self.cloud = cloud
        self._sent: list[str] = []
        for service, region in (("partnercentral-account", "us-east-1"), ("cloudformation", REGION), ("ssm", REGION)):
            client = aws._client(service, region)  # noqa: SLF001 - the very clients that the handler uses
            client.meta.events.register("before-send", self._note)

    def _note(self, event_name: str, **_rest: Any) -> None:
        self._sent.append(event_name.removeprefix("before-send.").replace(".", ":"))

    def sent(self) -> Counter[str]:
        """What was sent since the last time."""
        sent, self._sent = Counter(self._sent), []
        return sent


@contextmanager
def wire_to(moto_url: str, readings: Readings = AT_ONCE) -> Iterator[Wire]:
    """A new account with a stored code, and a stack that is being created."""
    with open_cloud(moto_url, readings=readings) as cloud:
        cloud.prepare()
        yield Wire(cloud)


CREATE = Counter(
    {
        "partnercentral-account:ListPartners": 1,
        "partnercentral-account:CreatePartner": 1,
        "cloudformation:DescribeStacks": 2,
        "ssm:GetParameter": 1,
    }
)
"""To look, to act; whether the stack waits, asked before and right before; and the code."""


@pytest.mark.parametrize("appears", [ProfileIdAppears.AT_ONCE, ProfileIdAppears.IN_VISIBILITY])
def test_a_create_without_faults_sends_two_requests(moto_url: str, appears: ProfileIdAppears) -> None:
    """Partner Central is asked for the list and for the partner; and for the profile id only if it did not tell it."""
    asked = {"partnercentral-account:GetProfileVisibility": 1} if appears is ProfileIdAppears.IN_VISIBILITY else {}
    with wire_to(moto_url, Readings(profile_id=appears)) as wire:
        wire.cloud.create(properties())
        assert wire.sent() == CREATE + Counter(asked)


CHANGES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "nothing": ({}, {}),
    "contact": ({"AllianceLeadContact": contact(BusinessTitle="CEO")}, {"PutAllianceLeadContact": 1}),
    "tag": ({"Tags": [{"Key": "team", "Value": "sales"}]}, {"TagResource": 1}),
    "no tag": ({"Tags": []}, {"UntagResource": 1}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_update_writes_what_has_changed(moto_url: str, what: str) -> None:
    """One writing request for one change, none for none; and the reading ones that it takes to know."""
    changes, writes = CHANGES[what]
    with wire_to(moto_url) as wire:
        arn = wire.cloud.create(properties()).physical_id
        wire.cloud.set_status("UPDATE_IN_PROGRESS")
        wire.sent()
        wire.cloud.update(arn, properties(), properties(**changes))
        # The contact is read even if it didn't change: the log names what differs from the template.
        reads = {"GetPartner": 1, "ListTagsForResource": 1, "GetAllianceLeadContact": 1}
        expected = Counter({f"partnercentral-account:{name}": times for name, times in (reads | writes).items()})
        expected["cloudformation:DescribeStacks"] = 1 + len(writes)
        assert wire.sent() == expected


def test_a_delete_sends_nothing(moto_url: str) -> None:
    """There is nothing to ask and nothing to wait for."""
    with wire_to(moto_url) as wire:
        arn = wire.cloud.create(properties()).physical_id
        wire.sent()
        lifecycle.answer_delete(wire.cloud.event("Delete", properties(), PhysicalResourceId=arn))
        assert wire.sent() == Counter()


def test_the_template_is_the_same_each_time() -> None:
    """Nothing in the template depends on when it is made: else a deployment without changes would be one."""
    first, second = (template_bytes() for _ in range(2))
    assert first == second


def template_bytes() -> bytes:
    """A stack's template, as it is deployed."""
    app = new_app()
    partner_in(cdk.Stack(app, "Demo"))
    app.synth()
    return Path(app.outdir, "Demo.template.json").read_bytes()
