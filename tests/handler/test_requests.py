"""How many requests the handler sends, counted where botocore sends them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from partner_account_handler import calls
from partner_central_simulator import ProfileIdAppears, Readings
from tests.handler.cloud import REGION, Cloud, contact, open_cloud, properties

pytestmark = pytest.mark.versions

AT_ONCE = Readings(profile_id=ProfileIdAppears.AT_ONCE)


class Wire:
    """Every request that the handler's clients send, by service and operation, until it is asked for."""

    def __init__(self, cloud: Cloud) -> None:
        """Listen where botocore sends."""
        self.cloud = cloud
        self._sent: list[str] = []
        for service, region in (("partnercentral-account", "us-east-1"), ("cloudformation", REGION), ("ssm", REGION)):
            client = calls.client(service, region)  # the very clients that the handler uses
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
        wire.cloud.deliver(wire.cloud.event("Delete", properties(), PhysicalResourceId=arn))
        assert wire.sent() == Counter()
