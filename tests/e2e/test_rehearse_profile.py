"""`partner-account rehearse` of an app whose partner has a profile, the review of which fails at first."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.rehearsals import Rehearsed, place_with, rehearsed

pytestmark = pytest.mark.e2e

APP = """
import aws_cdk as cdk
from partner_account import *

stack = cdk.Stack(cdk.App(), "Alliances", env=cdk.Environment(account="123456789012", region="eu-west-1"))
partner = PartnerAccount(
    stack, "Partner", catalog=Catalog.SANDBOX, legal_name="Example Corp",
    primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS,
    email_verification_code=VerificationCode.for_sandbox(),
    alliance_lead_contact=AllianceLeadContact(
        first_name="J", last_name="D", email="j@example.com", business_title="Lead"))
PartnerProfile(
    stack, "Profile", partner=partner, display_name="Example & Co", description="We give examples.",
    website_url="https://example.com", logo_url="https://example.com/logo.png",
    industry_segments=[IndustrySegment.EDUCATION], visibility=ProfileVisibility.PUBLIC)
cdk.App.of(stack).synth()
"""


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    """The rehearsal; its AWS runs until the tests are done."""
    folder = tmp_path_factory.mktemp("profile")
    done = rehearsed(place_with(folder, APP), folder, "--fault", "review-fails", "--keep")
    yield done
    (stop,) = re.findall(r"^ *(partner-account rehearse --stop \S+)$", done.told, re.MULTILINE)
    in_its_terminal(done, stop)
    done.place.assert_untouched()


def in_its_terminal(done: Rehearsed, command: str) -> str:
    """What a command prints in a terminal to which was copied what the rehearsal told."""
    exports = "\n".join(re.findall(r"^ *((?:export|unset) .*)$", done.told, re.MULTILINE))
    shell = ["bash", "-euc", f"{exports}\n{command}"]
    return subprocess.run(shell, cwd=done.place.app, capture_output=True, text=True, check=True).stdout


def test_profile_whose_review_fails_is_rolled_back_with_the_reason_and_made_public_by_the_next_deployment(
    profile: Rehearsed,
) -> None:
    """One task in each; the partner is created once, and nothing of the profile counts as an account."""
    assert profile.exit_code == 0
    assert profile.changes()[2:] == [
        ["CreatePartner", "TagResource", "StartProfileUpdateTask"],
        ["TagResource", "StartProfileUpdateTask", "PutProfileVisibility"],
        [],
    ]
    failed = [one for step in profile.report["Steps"] for one in step["Events"] if one["Status"] == "CREATE_FAILED"]
    assert failed[0]["Type"] == "Custom::PartnerProfile"
    told = r"ProfileTaskFailed: pprofiletask-\w+: INVALID_LOGO in en-US\. Correct the logo .*, deploy again\."
    assert re.search(told, failed[0]["Reason"])
    assert "Profile Alliances/Profile: TaskStatus SUCCEEDED." in profile.report["Results"]
    assert profile.told.rstrip().count("One partner account was created, and no other.") == 1


def test_reports_include_the_profiles_public_content_and_task_outcome(profile: Rehearsed) -> None:
    """Markup in a name is text; what is not there yet of a new profile is no failure."""
    (told,) = profile.report["Profiles"]
    assert (told["Path"], told["Visibility"], told["TaskStatus"]) == ("Alliances/Profile", "PUBLIC", "SUCCEEDED")
    assert told["Texts"]["en-US"]["DisplayName"] == "Example & Co"
    assert profile.report["Irreversible"] == []
    created = " ".join(profile.page.sections["created"].split())
    assert "VisibilityPUBLIC: everybody may read this" in created
    assert "Example & Co" in created
    refused = [one for step in profile.report["Steps"] for one in step["Events"] if "NOT_FOUND" in one["Status"]]
    assert refused
    assert all(one["Expected"] for one in refused)


def test_kept_local_aws_keeps_the_account_and_region_of_the_app(profile: Rehearsed) -> None:
    """So that the next commands find what was deployed."""
    assert "Example Corp" in in_its_terminal(profile, "partner-account show --catalog Sandbox")
    drift = in_its_terminal(profile, "partner-account drift --stack-name Alliances")
    assert drift.count("same") > 1
