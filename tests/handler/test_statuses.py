"""Which status of the stack an Update waits for, goes on in, and is let through in."""

from __future__ import annotations

from typing import Any

import pytest

from partner_account_handler.errors import CallError, NotWaitingError
from tests.handler.cloud import Cloud, VirtualTime, contact, properties
from tests.handler.test_update import Deployed

CEO = properties(AllianceLeadContact=contact(BusinessTitle="CEO"), Tags=[{"Key": "team", "Value": "sales"}])
BEFORE = (
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
)


@pytest.fixture
def deployed(cloud: Cloud) -> Deployed:
    """A partner whose stack is being updated."""
    return Deployed(cloud, properties())


def late(deployed: Deployed, seconds: float, status: str) -> VirtualTime:
    """An invocation during which DescribeStacks tells the stack's status so many seconds late."""
    time = VirtualTime()

    def pass_by() -> None:
        if time.seconds <= 180 - seconds:
            deployed.cloud.set_status(status)

    time.meanwhile = pass_by
    return time


class TestLateDescribeStacks:
    """DescribeStacks still says what was before."""

    @pytest.mark.parametrize("before", BEFORE)
    @pytest.mark.parametrize("seconds", [5, 25])
    def test_rollback_restores_what_the_update_wrote(self, deployed: Deployed, before: str, seconds: float) -> None:
        """Whatever the status was before."""
        deployed.update(properties(), CEO)
        deployed.cloud.set_status(before)
        answer = deployed.update(CEO, properties(), late(deployed, seconds, "UPDATE_ROLLBACK_IN_PROGRESS"))
        assert answer.physical_id == deployed.arn
        assert deployed.partner.contact == contact()
        assert deployed.partner.tags["team"] == "alliances"

    @pytest.mark.parametrize("before", [status for status in BEFORE if status != "UPDATE_FAILED"])
    def test_update_goes_on_when_the_status_is_told(self, deployed: Deployed, before: str) -> None:
        """A minute late."""
        deployed.cloud.set_status(before)
        deployed.update(properties(), CEO, late(deployed, 60, "UPDATE_IN_PROGRESS"))
        assert deployed.partner.contact == contact(BusinessTitle="CEO")

    @pytest.mark.parametrize("before", [status for status in BEFORE if status != "UPDATE_FAILED"])
    def test_rollback_that_is_told_at_the_very_end_is_let_through(self, deployed: Deployed, before: str) -> None:
        """The last question is asked in the time that is kept back."""
        deployed.cloud.set_status(before)
        time = late(deployed, 120, "UPDATE_ROLLBACK_IN_PROGRESS")
        assert deployed.update(CEO, properties(), time).physical_id == deployed.arn
        assert time.seconds >= 17

    def test_failed_reversed_update_is_let_through_if_the_forward_status_was_the_old_one(
        self, deployed: Deployed
    ) -> None:
        """DescribeStacks says UPDATE_IN_PROGRESS for two seconds more."""
        deployed.cloud.simulator.faults.add("GetPartner", "access-denied", times=1)
        deployed.desk.delete_partner(deployed.partner.id)
        time = late(deployed, 2, "UPDATE_ROLLBACK_IN_PROGRESS")
        assert deployed.update(CEO, properties(), time).physical_id == deployed.arn

    @pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
    def test_status_that_no_update_can_come_from_is_believed_soon(self, deployed: Deployed, status: str) -> None:
        """Nobody waits for this Update."""
        deployed.cloud.set_status(status)
        time = VirtualTime()
        with pytest.raises(NotWaitingError, match=status):
            deployed.update(properties(), CEO, time)
        assert deployed.writes() == []
        assert time.seconds > 175

    @pytest.mark.parametrize("status", [status for status in BEFORE if status != "UPDATE_FAILED"])
    def test_update_of_an_operation_that_is_over_writes_nothing(self, deployed: Deployed, status: str) -> None:
        """It waits as long as it can, since the status might be an old one."""
        deployed.cloud.set_status(status)
        with pytest.raises(NotWaitingError, match=status):
            deployed.update(properties(), CEO)
        assert deployed.writes() == []

    def test_update_that_waits_is_not_taken_for_one_of_the_next_deployment(self, deployed: Deployed) -> None:
        """Which began after it had come."""
        deployed.cloud.set_status("UPDATE_ROLLBACK_COMPLETE")
        time = VirtualTime()
        time.meanwhile = lambda: deployed.cloud.begin_deployment() if time.seconds < 150 else None
        with pytest.raises(NotWaitingError, match="later deployment"):
            deployed.update(properties(), CEO, time)
        assert deployed.writes() == []


class TestWithoutRollback:
    """With `cdk deploy --no-rollback` a failed Update is taken back alone, in whatever status, or retried."""

    ANN = properties(AllianceLeadContact=contact(Email="ann@example.com"), Tags=[{"Key": "team", "Value": "sales"}])

    def fail(self, deployed: Deployed) -> None:
        """An Update that writes its tags, and fails at the contact."""
        deployed.cloud.prepare("ann@example.com")
        deployed.cloud.simulator.faults.add("PutAllianceLeadContact", "access-denied", times=None)
        with pytest.raises(CallError, match="PutAllianceLeadContact"):
            deployed.update(properties(), self.ANN)
        deployed.cloud.simulator.faults.clear()
        assert deployed.partner.tags["team"] == "sales"

    @pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS"])
    def test_reversed_update_restores_the_partner_whatever_status_it_comes_in(
        self, deployed: Deployed, status: str
    ) -> None:
        """Nothing is left half written."""
        self.fail(deployed)
        deployed.cloud.set_status(status)
        assert deployed.update(self.ANN, properties()).physical_id == deployed.arn
        assert deployed.partner.tags["team"] == "alliances"
        assert deployed.partner.contact == contact()

    def test_reversed_update_that_fails_in_update_failed_is_let_through(self, deployed: Deployed) -> None:
        """A human would have to mend the stack otherwise."""
        self.fail(deployed)
        deployed.cloud.set_status("UPDATE_FAILED")
        deployed.cloud.simulator.faults.add("*", "internal-error", times=None)
        assert deployed.update(self.ANN, properties()).physical_id == deployed.arn

    def test_update_that_began_in_update_failed_fails_when_the_stack_turns_out_to_be_updated(
        self, deployed: Deployed
    ) -> None:
        """The retry: UPDATE_FAILED was the old status."""
        deployed.cloud.set_status("UPDATE_FAILED")
        deployed.cloud.simulator.faults.add("*", "internal-error", times=None)
        time = VirtualTime()
        time.meanwhile = lambda: deployed.cloud.set_status("UPDATE_IN_PROGRESS") if time.seconds < 140 else None
        with pytest.raises(CallError, match="InternalServerException"):
            deployed.update(properties(), CEO, time)

    @pytest.mark.parametrize("old", ["successful", "attempted"])
    def test_retry_writes_everything_whichever_properties_count_as_old(self, deployed: Deployed, old: str) -> None:
        """Whether OldResourceProperties are the last successful or the last attempted ones is documented nowhere."""
        self.fail(deployed)
        deployed.cloud.begin_deployment()
        deployed.update(self.ANN if old == "attempted" else properties(), self.ANN)
        assert deployed.partner.contact["Email"] == "ann@example.com"
        assert deployed.partner.tags["team"] == "sales"

    def test_retry_with_another_source_of_the_code_writes_everything(self, deployed: Deployed) -> None:
        """That is what a human corrects first; it is no part of the partner."""
        self.fail(deployed)
        retry = {**self.ANN, "EmailVerificationCode": {"From": "Parameter", "Value": "123456"}}
        retry["EmailVerificationCode"]["Value"] = deployed.cloud.request_code("ann@example.com")
        deployed.cloud.begin_deployment()
        deployed.update(self.ANN, retry)
        assert deployed.partner.contact["Email"] == "ann@example.com"

    def test_retry_with_a_further_change_tells_what_it_leaves(
        self, deployed: Deployed, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """With the last attempted properties as the old ones, the contact can't be told from a human's change."""
        self.fail(deployed)
        further: dict[str, Any] = {**self.ANN, "Tags": [{"Key": "team", "Value": "alliances"}]}
        deployed.cloud.begin_deployment()
        deployed.update(self.ANN, further)
        assert deployed.partner.tags["team"] == "alliances"
        (line,) = [line for line in capsys.readouterr().out.splitlines() if "left as it is" in line]
        assert '"differing": ["contact"]' in line
        assert "ann@example.com" not in line

    def test_unchanged_partner_has_no_differences_to_tell(
        self, deployed: Deployed, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Another property changed, and all else is as the template says."""
        deployed.update(properties(), properties(Tags=[{"Key": "team", "Value": "sales"}]))
        assert "left as it is" not in capsys.readouterr().out

    def test_difference_that_cannot_be_read_fails_no_update(self, deployed: Deployed) -> None:
        """It is only told."""
        deployed.cloud.simulator.faults.add("GetAllianceLeadContact", "access-denied", times=None)
        deployed.update(properties(), properties(Tags=[{"Key": "team", "Value": "sales"}]))
        assert deployed.partner.tags["team"] == "sales"
