"""`partner-account doctor`: what each check reports, and that none changes anything."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from werkzeug.wrappers import Request, Response

from partner_account_cli.aws import Access
from partner_account_cli.doctor import DoctorRun, principal_of
from tests.cli.stage import ACCOUNT, CliStage, open_stage
from tests.cli.test_store_code import FIELD, PARAMETER, SECRET, Kept
from tests.simulator.calls import ManualClock, server_of
from tests.simulator.test_profiles import DETAILS


def checks(stage: CliStage, *options: str) -> dict[str, dict[str, str]]:
    """The result of each check, by its id."""
    done = stage.run("doctor", *options, "--output", "json")
    assert "swordfish" not in done.told
    found = {one["Id"]: one for one in done.document["Checks"]}
    assert done.status == (1 if any(one["Status"] == "failed" for one in found.values()) else 0)
    return found


def code_check(stage: CliStage, *options: str) -> dict[str, str]:
    """What is reported about the verification code; never the code itself, or what is in its place."""
    found = checks(stage, *options, "--debug")["verification-code"]
    assert "swordfish" not in str(found)
    assert "123456" not in str(found).replace(ACCOUNT, "")
    return found


def test_new_account_fails_each_missing_check_with_its_remedy_and_changes_nothing(newcomer: CliStage) -> None:
    """In this order; `doctor` only reads."""
    done = newcomer.run("doctor", "--secret-id", "code")
    assert done.status == 1
    lines = done.stdout.splitlines()
    checks = [
        line.split()[0] + line[7:].partition(":")[0] for line in lines if re.match(r"passed|failed|unknown", line)
    ]
    assert checks == [
        "passed  credentials",
        "passed  endpoint",
        "passed  permissions to read",
        "unknown  permissions to act",
        "failed  business verification",
        "failed  registrant verification",
        "unknown  account plan",
        "passed  organization",
        "unknown  contact address",
        "unknown  existing partner",
        "failed  verification code",
    ]
    for line, after in pairwise(lines):
        assert not line.startswith("failed") or after.startswith(" ")
    assert "partner-account store-code --secret-id code --create" in done.stdout
    assert all(operation.startswith(("Get", "List")) for operation in newcomer.operations())
    assert newcomer.client("secretsmanager").list_secrets()["SecretList"] == []


def test_verified_account_with_a_stored_code_passes_every_check(stage: CliStage) -> None:
    """The code isn't shown."""
    stage.client("secretsmanager").create_secret(Name="code", SecretString="314159")
    done = stage.run("doctor", "--secret-id", "code")
    assert done.status == 0
    assert "failed" not in done.stdout
    assert "the secret code holds six digits, stored just now" in done.stdout
    assert "314159" not in done.told


NO_CODE = "something other than a code"


@pytest.mark.parametrize(
    ("options", "held", "status", "finding", "remedy"),
    [
        (SECRET, "swordfish", "failed", NO_CODE, "Use another store."),
        (SECRET, b"123456", "failed", NO_CODE, "Use another store."),
        (SECRET, {"code": "123456"}, "failed", "a JSON object", "Specify the code's field with --json-field."),
        (SECRET, " ", "failed", "nothing", "Store it: partner-account store-code --secret-id kept"),
        (PARAMETER, "123456", "passed", "six digits", ""),
        (PARAMETER, "swordfish", "failed", NO_CODE, "Use another store."),
        (FIELD, {"code": "123456"}, "passed", "six digits", ""),
        (FIELD, {"code": 123456}, "passed", "six digits", ""),
        (FIELD, {"code": "swordfish"}, "failed", NO_CODE, "Use another field."),
        (FIELD, "123456", "failed", "no JSON object", "Omit --json-field, or use another secret."),
    ],
)
def test_stored_value_is_described_by_kind_and_never_recommended_to_be_overwritten(
    stage: CliStage, options: tuple[str, ...], held: Any, status: str, finding: str, remedy: str
) -> None:
    """A mistyped name may have led to somebody's password, which isn't shown either."""
    Kept(stage).holds(held)
    found = code_check(stage, *options)
    assert (found["Status"], found["Remedy"]) == (status, remedy)
    assert f" holds {finding}" in found["Finding"]


def test_recommended_store_code_command_runs_unchanged(stage: CliStage) -> None:
    """It creates the secret with its field, in the region that was checked."""
    store = ("--secret-id", "code", "--json-field", "my code", "--region", "eu-north-1")
    absent = code_check(stage, *store)
    assert absent["Remedy"].endswith("--create")
    command = shlex.split(absent["Remedy"].removeprefix("Store it: "))
    assert command[:2] == ["partner-account", "store-code"]
    assert stage.run(*command[1:], stdin="123456").status == 0
    assert code_check(stage, *store)["Status"] == "passed"


def test_remedy_for_a_secret_marked_for_deletion_is_to_restore_it(stage: CliStage) -> None:
    """And not to be created once more."""
    client = stage.client("secretsmanager")
    client.create_secret(Name="code", SecretString="123456")
    client.delete_secret(SecretId="code")
    found = code_check(stage, "--secret-id", "code")
    assert found["Status"] == "failed"
    assert "restore-secret" in found["Remedy"]
    assert "store-code" not in found["Remedy"]


@pytest.mark.parametrize(("name", "cautioned"), [("alliance-secret", True), ("alliance-secrets", False)])
def test_secret_name_that_ends_like_an_arn_gets_a_warning(stage: CliStage, name: str, cautioned: bool) -> None:
    """Before the secret is created, and later, by its name and by its full ARN, but never because of that ARN."""
    found = [code_check(stage, "--secret-id", name)]
    arn = stage.client("secretsmanager").create_secret(Name=name, SecretString="123456")["ARN"]
    found += [code_check(stage, "--secret-id", name), code_check(stage, "--secret-id", arn)]
    assert [one["Status"] for one in found] == ["failed", "passed", "passed"]
    for one in found:
        assert (f"The name {name} ends in a hyphen and six characters" in one["Remedy"]) == cautioned


def test_unencrypted_parameter_gets_a_warning(stage: CliStage) -> None:
    """The function can read it, and so can others."""
    stage.client("ssm").put_parameter(Name="/code", Value="123456", Type="String")
    found = code_check(stage, "--parameter", "/code")
    assert found["Status"] == "passed"
    assert found["Remedy"] == "It is a String, whose value isn't encrypted."


@pytest.mark.parametrize("days", [0, 2])
def test_pending_verification_shows_its_url_until_it_expires(moto_url: str, days: int) -> None:
    """Then it is to be started again."""
    with open_stage(moto_url, verified=False, clock=ManualClock(datetime.now(UTC) - timedelta(days=days))) as stage:
        stage.run("verification", "start", "registrant")
        registrant = checks(stage)["registrant-verification"]
        assert registrant["Status"] == "failed"
        assert bool(registrant["CompletionUrl"]) == (days == 0)
        assert ("start registrant" in registrant["Remedy"]) == (days > 0)
        assert ("has expired" in stage.run("verification", "status").stdout) == (days > 0)


@pytest.mark.parametrize(
    "owned", [(True,), (False,), (True, True), (True, False), (False, True), (False, False)], ids=str
)
def test_partner_that_belongs_to_no_stack_fails(stage: CliStage, owned: tuple[bool, ...]) -> None:
    """Its stack's deployment finds it; a partner of no stack blocks a deployment, whatever the others are."""
    for name, has_owner in zip(("Example One", "Example Two"), owned, strict=False):
        tag = "cdk-partner-account:owner" if has_owner else "team"
        stage.simulator.account(ACCOUNT).add_partner(name, tags={tag: "x"})
    found = checks(stage)["existing-partner"]
    expected = ("passed", "") if all(owned) else ("failed", "Set existing_partner_id to adopt it.")
    assert (found["Status"], found["Remedy"]) == expected


@pytest.mark.parametrize("first", [True, False])
def test_several_partners_of_which_the_tags_of_one_are_denied_are_unknown(stage: CliStage, first: bool) -> None:
    """Is unknown: the one whose tags are denied may be of no stack."""
    for name in ("Example One", "Example Two"):
        stage.simulator.account(ACCOUNT).add_partner(name, tags={"cdk-partner-account:owner": "x"})
    if not first:
        stage.simulator.faults.add("ListTagsForResource", "delay", seconds=0.01)
    stage.simulator.faults.add("ListTagsForResource", "access-denied")
    assert checks(stage)["existing-partner"]["Status"] == "unknown"


def test_running_profile_task_is_reported_with_the_command_that_follows_it(stage: CliStage) -> None:
    """A deployment of a profile may be refused for it, or may be what has started it."""
    arn = stage.create_partner()
    assert "profile task" not in stage.run("doctor").stdout
    stage.simulator.account(ACCOUNT).plan_profile_tasks(reads=None)
    started = stage.client("partnercentral-account").start_profile_update_task(
        Catalog="AWS", Identifier=arn, TaskDetails=DETAILS
    )
    found = checks(stage)["profile-task"]
    assert found["Status"] == "unknown"
    assert found["Finding"].startswith(f"{started['TaskId']} of {arn.rpartition('/')[2]} is in progress")
    assert "aws partnercentral-account get-profile-update-task" in found["Remedy"]


def test_sandbox_verifications_and_partners_are_unknown_and_nothing_fails(newcomer: CliStage) -> None:
    """Nothing is certain there, and nothing has failed."""
    newcomer.create_partner("Sandbox")
    found = checks(newcomer, "--catalog", "Sandbox")
    assert found["business-verification"]["Status"] == "unknown"
    assert found["existing-partner"]["Status"] == "unknown"
    assert found["verification-code"]["Status"] == "passed"


def test_sandbox_partner_with_an_ownership_tag_belongs_to_a_stack(newcomer: CliStage) -> None:
    """If the Sandbox accepted the tag, it decides, as in catalog AWS."""
    partner_id = newcomer.create_partner("Sandbox").rpartition("/")[2]
    newcomer.simulator.account(ACCOUNT).tag_partner(partner_id, {"cdk-partner-account:owner": "x"})
    found = checks(newcomer, "--catalog", "Sandbox")["existing-partner"]
    assert found["Status"] == "passed"
    assert found["Finding"] == f"{partner_id} (owned by a stack): a deployment of that stack reuses it"


def test_denied_read_permissions_are_named_and_dependent_checks_are_unknown(stage: CliStage) -> None:
    """Each permission to read that is missing is named; what depends on it is unknown."""
    stage.simulator.faults.add("*", "access-denied", times=None)
    found = checks(stage)
    assert found["endpoint"]["Status"] == "passed"
    assert found["permissions-to-read"]["Status"] == "failed"
    assert "partnercentral:ListPartners, partnercentral:GetVerification" in found["permissions-to-read"]["Remedy"]
    assert {found[name]["Status"] for name in ("business-verification", "existing-partner")} == {"unknown"}


def test_without_credentials_all_other_checks_are_unknown(stage: CliStage) -> None:
    """The rest is unknown."""
    done = stage.run("doctor", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert done.status == 1
    assert done.stdout.startswith("failed   credentials: Unable to locate credentials\n         Log in")
    assert len(re.findall(r"^unknown ", done.stdout, re.MULTILINE)) == 10


def test_without_network_the_endpoint_check_fails_and_not_the_credentials(stage: CliStage) -> None:
    """Credentials that can't be checked are not reported as missing: the endpoint has failed."""
    nowhere = "http://127.0.0.1:9"
    done = stage.run("doctor", AWS_ENDPOINT_URL=nowhere, AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT=nowhere)
    assert done.status == 1
    assert done.stdout.startswith("unknown  credentials: Could not connect to the endpoint URL")
    assert done.stdout.count("failed ") == 1
    assert "without credentials" not in done.stdout


def test_checks_that_need_partner_central_are_unknown_if_its_endpoint_is_unreachable(stage: CliStage) -> None:
    """What needs Partner Central is unknown if it is out of reach."""
    found = [one["Status"] for one in checks(stage, "--endpoint-url", "http://127.0.0.1:9").values()]
    assert found[:2] == ["passed", "failed"]
    assert set(found[2:]) == {"unknown"}


@pytest.mark.parametrize(("plan", "verdict"), [("PAID", "passed"), ("FREE", "failed")])
def test_free_account_plan_fails(stage: CliStage, plan: str, verdict: str) -> None:
    """A free plan is reported before Partner Central refuses it."""
    told = {"accountId": ACCOUNT, "accountPlanType": plan, "accountPlanStatus": "ACTIVE"}
    with server_of(lambda _: Response(json.dumps(told))) as url:
        stage.environment["AWS_ENDPOINT_URL_FREETIER"] = url
        assert checks(stage)["account-plan"]["Status"] == verdict


def test_account_without_a_listed_partner_is_unknown_and_questions_are_listed(stage: CliStage) -> None:
    """A legacy account may not be listed, and no call reports the rest; in the Sandbox nothing is permanent."""
    done = stage.run("doctor")
    assert "unknown  existing partner: none is listed in catalog AWS; an account that was never migrated" in done.stdout
    assert "A company that is an AWS Partner already must migrate its account." in done.stdout
    asked = done.stdout.split("Before you deploy:")[1]
    for words in ("historical partner data", "ACE terms", f"Is {ACCOUNT} the company's", "yearly APN fee", "alias"):
        assert words in asked
    assert len(stage.run("doctor", "--output", "json").document["Questions"]) == 4
    assert stage.run("doctor", "--catalog", "Sandbox", "--output", "json").document["Questions"] == []
    assert checks(stage, "--catalog", "Sandbox")["existing-partner"]["Status"] == "passed"


def test_management_account_of_an_organization_is_checked(stage: CliStage) -> None:
    """AWS recommends a member account; an account of no organization is neither."""
    assert checks(stage)["organization"]["Finding"] == "the account is not in an organization"
    stage.client("organizations", "us-east-1").create_organization(FeatureSet="ALL")
    found = checks(stage)["organization"]
    assert (found["Status"], found["Finding"]) == ("unknown", "this is the management account of the organization")
    assert "AWS recommends a member account" in found["Remedy"]


@pytest.mark.parametrize(
    ("email", "verdict"),
    [
        ("alliances@example.com", "passed"),
        ("AWS-Partners@example.com", "passed"),
        ("partnership.team2@example.com", "passed"),
        ("awspartners@example.com", "passed"),
        ("partneralliances@example.com", "passed"),
        ("channel@example.com", "passed"),
        ("jane.doe@example.com", "unknown"),
        ("jane.sales@example.com", "unknown"),
        ("it.mueller@example.com", "unknown"),
        ("cloud.lee@example.com", "unknown"),
        ("jane@partners.example.com", "unknown"),
        ("saleswoman@example.com", "unknown"),
    ],
)
def test_address_that_looks_personal_is_reported(email: str, verdict: str) -> None:
    """By its local part, each word of which must be a role's: AWS recommends a shared alias. It isn't repeated."""
    found = dict(DoctorRun(Access(), "AWS", None, email).checks())["contact address"]()
    assert found.status == verdict
    assert email not in str(found)


def test_address_is_not_checked_in_the_sandbox_and_a_given_one_is_reported_as_unchecked() -> None:
    """A partner there is for tests."""
    found = dict(DoctorRun(Access(), "Sandbox", None, "jane.doe@example.com").checks())["contact address"]()
    assert (found.status, found.finding) == ("unknown", "not checked: a partner in the Sandbox is for tests")
    assert "contact address" not in dict(DoctorRun(Access(), "Sandbox", None, None).checks())


@contextmanager
def simulated_iam(**results: tuple[str, str]) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """What answers SimulatePrincipalPolicy: by operation, the decision and the keys that were missing.

    With its address comes what it was asked. tests/rehearsal asks one that evaluates policies.
    """
    asked: list[tuple[str, dict[str, str]]] = []

    def answer(request: Request) -> Response:
        action = request.form["ActionNames.member.1"]
        keys = [f"ContextEntries.member.{number}.ContextKey" for number in (1, 2)]
        asked.append((action, {request.form[f"{key}Name"]: request.form[f"{key}Values.member.1"] for key in keys}))
        decision, missing = results[action.partition(":")[2]]
        lacking = f"<member>{missing}</member>" if missing else ""
        return Response(
            f"<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults><member>"
            f"<EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision>"
            f"<MissingContextValues>{lacking}</MissingContextValues></member></EvaluationResults>"
            f"</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        )

    with server_of(answer) as url:
        yield url, asked


ALLOWED, DENIED = ("allowed", ""), ("implicitDeny", "")


@pytest.mark.parametrize(
    ("send", "start", "status", "told"),
    [
        (
            ALLOWED,
            ALLOWED,
            "passed",
            "IAM allows SendEmailVerificationCode, StartVerification; CreatePartner is called",
        ),
        (DENIED, ALLOWED, "failed", "IAM denies partnercentral:SendEmailVerificationCode"),
        (ALLOWED, DENIED, "failed", "IAM denies partnercentral:StartVerification"),
        # A Deny may hang on a key that is missing here, and an Allow likewise.
        (ALLOWED, ("allowed", "aws:SourceVpce"), "unknown", "StartVerification: the policies depend on aws:SourceVpce"),
        (("implicitDeny", "aws:MultiFactorAuthPresent"), ALLOWED, "unknown", "depend on aws:MultiFactorAuthPresent"),
        (("explicitDeny", "aws:SourceIp"), ALLOWED, "unknown", "the policies depend on aws:SourceIp"),
    ],
)
def test_iam_simulates_the_calls_that_the_caller_makes(
    newcomer: CliStage, send: tuple[str, str], start: tuple[str, str], status: str, told: str
) -> None:
    """With the condition keys of the real requests; what depends on other keys is unknown, never allowed or denied."""
    with simulated_iam(SendEmailVerificationCode=send, StartVerification=start) as (url, asked):
        newcomer.environment["AWS_ENDPOINT_URL_IAM"] = url
        found = checks(newcomer)["permissions-to-act"]
    assert found["Status"] == status
    assert told in found["Finding"]
    region = {"aws:RequestedRegion": "us-east-1"}
    assert asked == [
        ("partnercentral:SendEmailVerificationCode", {**region, "partnercentral:Catalog": "AWS"}),
        *(
            ("partnercentral:StartVerification", {**region, "partnercentral:VerificationType": name})
            for name in ("BUSINESS_VERIFICATION", "REGISTRANT_VERIFICATION")
        ),
    ]


def test_permissions_to_verify_are_not_needed_once_it_is_done_nor_any_in_the_sandbox(stage: CliStage) -> None:
    """What the function's role needs, the caller of a deployment does not."""
    with simulated_iam(SendEmailVerificationCode=ALLOWED) as (url, asked):
        stage.environment["AWS_ENDPOINT_URL_IAM"] = url
        assert checks(stage)["permissions-to-act"]["Status"] == "passed"
        assert len(asked) == 1
        assert "permissions-to-act" not in checks(stage, "--catalog", "Sandbox")
        assert len(asked) == 1


def test_iam_simulates_the_role_of_a_session_and_not_the_root_user() -> None:
    """The session's ARN doesn't contain the role's path; IAM simulates no root user."""
    client = boto3.client("iam", aws_access_key_id="x", aws_secret_access_key="x")
    arn = f"arn:aws:iam::{ACCOUNT}:role/team/Operator"
    role = {"Path": "/team/", "RoleName": "Operator", "RoleId": "AROAEXAMPLEEXAMPLE", "Arn": arn}
    with Stubber(client) as iam:
        iam.add_response("get_role", {"Role": {**role, "CreateDate": datetime.now(UTC)}}, {"RoleName": "Operator"})
        assert principal_of(client, f"arn:aws:sts::{ACCOUNT}:assumed-role/Operator/jane") == arn
        assert principal_of(client, f"arn:aws:iam::{ACCOUNT}:user/jane") == f"arn:aws:iam::{ACCOUNT}:user/jane"
        with pytest.raises(ValueError, match="root"):
            principal_of(client, f"arn:aws:iam::{ACCOUNT}:root")
