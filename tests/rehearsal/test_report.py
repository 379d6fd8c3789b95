"""A rehearsal's output in the terminal and in its reports, from the facts that it has recorded."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from partner_account_cli.rehearse import rehearse
from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.assembly import Assembly
from partner_account_rehearsal.cdk import CommandResult
from partner_account_rehearsal.faults import FAULTS
from partner_account_rehearsal.iam_statements import Statement
from partner_account_rehearsal.limits import names_taken
from partner_account_rehearsal.page import Timeline, to_html
from partner_account_rehearsal.partners import partners_of
from partner_account_rehearsal.report import (
    CLOUDFORMATION,
    PARTNER_CENTRAL,
    PartnerReport,
    ProfileReport,
    RehearsalEvent,
    RehearsalFinding,
    RehearsalReport,
    StackReport,
    StepReport,
    without_addresses,
    without_arn_prefix,
)
from partner_account_rehearsal.run import ReportFiles, _next_steps, commit_of, run
from partner_account_rehearsal.simulator_client import ReceivedRequest
from partner_account_rehearsal.stand_ins import StandIn
from partner_account_rehearsal.step_runner import StepRunner, cli_annotations, cli_reason
from partner_account_rehearsal.steps import Options, Rehearsal
from partner_account_rehearsal.terminal import Reporter
from tests.browser import OVERFLOWING, chromium, needs_chromium
from tests.e2e.rehearsals import Page
from tests.rehearsal.test_rehearsal import RESOURCES, assembly_of, resources_of, with_partner, with_profile

STACK, PARTNER = "AWS::CloudFormation::Stack", "Custom::PartnerAccount"
ARN = "arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/partner-ey9McGJ6xME5N"


def stack_event(seconds: float, type_: str, subject: str, status: str, reason: str = "") -> RehearsalEvent:
    """A CloudFormation event of a resource of the stack `Alliances`."""
    return RehearsalEvent(seconds, CLOUDFORMATION, "Alliances", type_, subject, status, reason)


def request_event(seconds: float, operation: str, status: str = "OK", **more: Any) -> RehearsalEvent:
    """What Partner Central received."""
    return RehearsalEvent(seconds, PARTNER_CENTRAL, "", "", operation, status, **more)


@pytest.fixture
def report() -> RehearsalReport:
    """A rehearsal with the fault `rollback`, as it is recorded."""
    rolled_back = [
        stack_event(11.0, STACK, "Alliances", "CREATE_IN_PROGRESS"),
        stack_event(11.2, "AWS::IAM::Role", "Alliances/Provider/Role", "CREATE_COMPLETE"),
        request_event(12.0, "CreatePartner", changes=True),
        stack_event(13.0, "Custom::FailsInThisRehearsal", "FailsInThisRehearsal", "CREATE_FAILED", "was to fail"),
        stack_event(13.5, PARTNER, "Alliances/Partner", "DELETE_SKIPPED"),
        stack_event(14.0, STACK, "Alliances", "ROLLBACK_COMPLETE", "Rollback complete"),
    ]
    return RehearsalReport(
        began_at=datetime(2026, 11, 28, 2, 39, tzinfo=UTC),
        seconds=20.0,
        outcome="passed",
        results=["Fault rollback: rolled back, then deployed; one partner account was created in all, and no other."],
        fault="rollback",
        fault_meaning="another resource of the stack fails after the partner was created or updated",
        stacks=[StackReport("Alliances", {"AWS::IAM::Role": 2, PARTNER: 1}, ["Alliances/Partner", "Alliances/Log"])],
        partners=[
            PartnerReport(
                "Alliances/Partner", "AWS", "Example <Corp>", "SOFTWARE_PRODUCTS", "J. D. <a…@example.com>", "any"
            )
        ],
        profiles=[
            ProfileReport(
                "Alliances/Profile",
                "PUBLIC",
                {"en-US": {"DisplayName": "Example & Co"}, "de-DE": {"DisplayName": "Beispiel"}},
                ["EDUCATION"],
                task_status="SUCCEEDED",
            )
        ],
        iam_statements=[
            Statement(
                "UpdateTags",
                "Allow",
                ["partnercentral:TagResource", "partnercentral:UntagResource"],
                ["arn:aws:partnercentral:us-east-1:${AWS::AccountId}:catalog/AWS/partner/*"],
                ["StringEquals partnercentral:Catalog = AWS"],
            )
        ],
        irreversible=[
            "Accepts the AWS Partner Central and ACE terms for the company, and chooses the account for good: " * 3
        ],
        findings=[RehearsalFinding("app-warning", "[Warning at /Alliances] the role isn't updated")],
        not_rehearsed=[StandIn("AWS::Odd::Thing", ["Alliances/Odd"], "the local AWS doesn't know the type")],
        steps=[
            StepReport("synthesize", "Synthesize the app (cdk synth)", 0.0, 6.0),
            StepReport(
                "deploy-with-fault",
                f"Deploy while {FAULTS['rollback'].meaning} (cdk deploy)",
                10.0,
                5.0,
                events=rolled_back,
            ),
        ],
        outputs={"Alliances": {"PartnerArn": ARN}},
        versions={"cdk-partner-account": "0.1.0", "aws-cdk": "2.1148.1", "aws-cdk-lib": "2.275.0"},
        commit="0123456789ab-dirty",
    )


# --- Facts


@pytest.mark.parametrize(("catalog", "told"), [("AWS", True), ("Sandbox", False)])
def test_irreversible_consequences_are_listed_in_catalog_aws_and_none_in_the_sandbox(
    tmp_path: Path, catalog: str, told: bool
) -> None:
    """An AWS Partner must migrate, terms are accepted, the account is chosen for good, nothing deletes a partner."""
    stacks = assembly_of(tmp_path, One=with_partner(Catalog=catalog)).stacks
    report = RehearsalReport()
    report.describe(stacks)
    text = " ".join(report.irreversible)
    for words in (
        "must migrate its account instead",
        "historical partner data",
        "ACE terms",
        "yearly APN fee",
        "no call that deletes a partner account",
    ):
        assert (words in text) == told
    assert ("irreversible" in sections(report)) == told


NEW = "One partner account would be created: “Example <account ID>” in catalog Sandbox; "
UPDATED = "Fault rollback (another resource of the stack fails after the partner was created or updated"
THERE = "One partner account, already deployed: “Example <account ID>”"


@pytest.mark.parametrize(
    ("catalogs", "fault", "headline", "result"),
    [
        (["AWS"], None, THERE, "Deployed; no partner account was created."),
        (["AWS"], "rollback", THERE, f"{UPDATED}): rolled back, then deployed; no partner account was created."),
        (
            ["AWS", "Sandbox"],
            "cut",
            f"{NEW}{THERE} in catalog AWS",
            "; one partner account was created in all, and no other.",
        ),
    ],
)
def test_partner_already_deployed_is_reported_as_such_without_irreversible_consequences(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    catalogs: list[str],
    fault: str | None,
    headline: str,
    result: str,
) -> None:
    """In the terminal, on the page and in the results; a new one beside it is reported as created."""
    assembly = assembly_of(tmp_path, **{f"In{catalog}": with_partner(Catalog=catalog) for catalog in catalogs})
    partners = partners_of(assembly.stacks)
    report = RehearsalReport()
    rehearsal: Any = SimpleNamespace(
        _options=Options(tmp_path, (), fault=FAULTS[fault] if fault else None),
        _assembly=assembly,
        _partners=partners,
        _former=Assembly(assembly.folder, ("InAWS",)),
        _former_partners=partners[:1],
        _report=report,
        _reporter=Reporter(),
        _insert_stand_ins=lambda _stacks, **_strict: [],
        _report_findings=list,
        _deploy_during=str,
        _deploy_all=lambda *_words: None,
        _expect_created=str,
        _expect_each_partner_once=list,
    )
    Rehearsal._describe(rehearsal)  # noqa: SLF001
    Rehearsal._deploy(rehearsal)  # noqa: SLF001
    report.outcome = "passed"
    Reporter().summary(report)
    told = capsys.readouterr().out
    assert report.headline == headline
    assert report.irreversible == []
    assert report.results[0].endswith(result)
    assert "Would be created or updated\n" in told
    assert told.count("  state                  already deployed\n") == 1
    verdict = (
        "One partner account was created, and no other." if len(catalogs) > 1 else "No partner account was created."
    )
    assert f"\n{verdict} (" in told
    created = sections(report)["created"]
    assert created.startswith("What would be created or updated")
    assert created.count("Statealready deployed") == 1


def test_update_is_described_by_its_changes_and_a_new_stack_by_its_resources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the terminal, on the page and as JSON; a construct that only has another path is as it was."""
    before, after = with_partner(), with_partner(LegalName="Example Inc")
    queue = {"Type": "AWS::SQS::Queue", "Metadata": {"aws:cdk:path": "One/Moved"}}
    before["Resources"] |= {"Same": {**queue, "Metadata": {}}, "Old": queue, "Data": {"Type": "AWS::CDK::Metadata"}}
    after["Resources"] |= {"Same": queue, "New": queue}
    former = assembly_of(tmp_path / "former", One=before).stacks
    stacks = assembly_of(tmp_path / "new", One=after, Two={"Resources": {"New": queue}}).stacks
    report = RehearsalReport()
    report.describe(stacks, former=former)
    one, two = json.loads(report.to_json())["Stacks"]
    assert two["Update"] is None
    assert one["Update"] == {
        "Changes": [
            {"Action": "Modify", "Type": PARTNER, "Path": "Partner"},
            {"Action": "Remove", "Type": "AWS::SQS::Queue", "Path": "One/Moved"},
            {"Action": "Add", "Type": "AWS::SQS::Queue", "Path": "One/Moved"},
        ],
        "Unchanged": len(before["Resources"]) - 3,
    }
    Reporter().preview(report)
    told = capsys.readouterr().out
    assert (
        f"Would be created or updated\n  One: {one['Update']['Unchanged']} of its resources are unchanged\n"
        f"    changed  {PARTNER} Partner\n    removed  AWS::SQS::Queue One/Moved\n"
        "    added    AWS::SQS::Queue One/Moved\n  Two: AWS::SQS::Queue\n"
    ) in told
    created = sections(report)["created"]
    assert f"Onechanged: {PARTNER} Partnerremoved: AWS::SQS::Queue One/Movedadded: " in created
    assert created.endswith("unchanged TwoAWS::SQS::Queue")


@pytest.mark.parametrize(
    ("visibility", "told"),
    [
        ("PUBLIC", "PUBLIC: everybody may read this"),
        ("PRIVATE", "PRIVATE"),
        (None, "not changed; a new profile is PRIVATE"),
    ],
)
def test_content_that_would_become_public_is_shown_before_deployment_and_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], visibility: str | None, told: str
) -> None:
    """Each text in each locale, and the rest of the profile; nothing of it is irreversible."""
    stacks = assembly_of(tmp_path, One=with_profile(Visibility=visibility)).stacks
    report = RehearsalReport()
    report.describe(stacks)
    partner_alone = RehearsalReport()
    partner_alone.describe(assembly_of(tmp_path / "alone", One=with_partner()).stacks)
    assert report.irreversible == partner_alone.irreversible
    assert ("; the profile “Example” would be public" in report.headline) == (visibility == "PUBLIC")
    Reporter().preview(report)
    preview = capsys.readouterr().out
    assert "Profile One/Profile\n" in preview
    assert re.search(rf"^  visibility +{told}$", preview, re.MULTILINE)
    assert re.search(r"^  description \(de-DE\) +Wir geben Beispiele\.$", preview, re.MULTILINE)
    created = sections(report)["created"]
    rows = [f"Visibility{told}", "Website (en-US)https://example.com", "Logo (de-DE)https://example.com/logo.png"]
    rows += ["Industry segmentsEDUCATION", "Primary solution typeCONSULTING_SERVICES", "Headquartersnot changed"]
    assert [row for row in rows if row not in created] == []


NOT_PUBLIC = "it was not made public, because it is not approved yet"


@pytest.mark.parametrize(
    ("visibility", "task_status", "told"),
    [
        ("PUBLIC", "SUCCEEDED", ["TaskStatus SUCCEEDED."]),
        ("PRIVATE", "IN_PROGRESS", ["TaskStatus IN_PROGRESS."]),
        ("PUBLIC", "IN_PROGRESS", [f"TaskStatus IN_PROGRESS; {NOT_PUBLIC}."]),
        ("PUBLIC", "", []),
    ],
)
def test_result_shows_the_task_status_and_a_profile_that_was_not_made_public(
    report: RehearsalReport, visibility: str, task_status: str, told: list[str]
) -> None:
    """Those of the last deployment; nothing without an output of the status."""
    report.profiles[0] = replace(report.profiles[0], visibility=visibility, task_status=task_status)
    report.results = []
    report.note_profiles()
    assert report.results == [f"Profile Alliances/Profile: {one}" for one in told]


def test_place_of_the_code_and_statements_name_no_partition_expression(tmp_path: Path) -> None:
    """The secret is named as its owner knows it, a policy's resource by the ARN of the only partition there is."""
    secret = {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:partner/code"}
    template = with_partner(EmailVerificationCode={"From": "SecretsManager", "SecretId": secret})
    template["Resources"] = RESOURCES | template["Resources"]
    stacks = assembly_of(tmp_path, One=template).stacks
    report = RehearsalReport()
    report.describe(stacks, FAULTS["rollback"])
    assert report.partners[0].verification_code == "the secret partner/code"
    assert report.iam_statements[0].resources == ["arn:aws:s3:::${Odd.Name}"]
    assert without_arn_prefix(f"on {secret['Fn::Sub']} and {ARN}") == (
        "on partner/code and catalog/AWS/partner/partner-ey9McGJ6xME5N"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mail jane.doe+x@mail.example.com, now", "mail j…@mail.example.com, now"),
        (
            "npm install aws-cdk@2.1000.0 @jsii/kernel.RuntimeError",
            "npm install aws-cdk@2.1000.0 @jsii/kernel.RuntimeError",
        ),
    ],
)
def test_addresses_in_third_party_output_are_masked(text: str, told: str) -> None:
    """And no version of a package."""
    assert without_addresses(text) == told


@pytest.mark.parametrize(
    ("operation", "catalog", "error", "expected"),
    [
        ("TagResource", "Sandbox", "ValidationException REQUEST_VALIDATION_FAILED", True),
        ("TagResource", "Sandbox", "AccessDeniedException", False),
        ("TagResource", "Sandbox", "", False),
        ("TagResource", "AWS", "ValidationException REQUEST_VALIDATION_FAILED", False),
        ("UntagResource", "Sandbox", "ValidationException REQUEST_VALIDATION_FAILED", False),
        ("GetProfileUpdateTask", "AWS", "ResourceNotFoundException PARTNER_PROFILE_TASK_NOT_FOUND", True),
        ("PutProfileVisibility", "AWS", "ResourceNotFoundException PARTNER_PROFILE_NOT_FOUND", True),
        ("GetPartner", "AWS", "ResourceNotFoundException PARTNER_NOT_FOUND", False),
    ],
)
def test_only_invalid_tags_in_the_sandbox_and_what_is_not_there_yet_of_a_profile_are_expected_refusals(
    operation: str, catalog: str, error: str, expected: bool
) -> None:
    """A tag refused in catalog AWS, and any denial, are failures."""
    arn = f"arn:aws:partnercentral:us-east-1:111111111111:catalog/{catalog}/partner/partner-abcDEF1234567"
    request = ReceivedRequest(operation, error, datetime.now(UTC), resource=arn)
    assert bool(request.expected_refusal) == expected


EXCEPTION = """\
jsii.errors.JavaScriptError:
  @jsii/kernel.RuntimeError: ValidationFailedWithErrors: ...

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/app.py", line 13, in <module>
    app.synth()
    ^^^^^^^^^^^
{}
python app.py: Subprocess exited with error 1
"""
MISTAKE = "partner_account.errors.PartnerAccountError: PartnerAccount 'S/P' has 1 error:\n  - legal_name: is empty"
LOOKUPS = "Context lookups have been disabled. Missing context keys: 'ssm:account=1'"
ANNOTATIONS = """\
WARNING Odd (Construct Annotations)
   S
/program.js:1:5591
ERROR Not encrypted (Construct Annotations)
   S/B
   Rule x

Synthesis finished with errors
"""
OLDER_ANNOTATIONS = "[Warning at /S] Odd\n[Error at /S] Not encrypted\n[Error at /T] Nor this\n\nFound errors\n"


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (EXCEPTION.format(MISTAKE), MISTAKE),
        ("line\nlegal_name is missing\npython app.py: Subprocess exited with error 1\n\n", "legal_name is missing"),
        (f"{LOOKUPS}\n", LOOKUPS),
        (
            "line\ndocker exited with status 1\n--> Command: docker build x\n\n",
            "docker exited with status 1\n--> Command: docker build x",
        ),
        (ANNOTATIONS, "ERROR Not encrypted (Construct Annotations) S/B Rule x"),
        (OLDER_ANNOTATIONS, "[Error at /S] Not encrypted\n[Error at /T] Nor this"),
        ("", ""),
    ],
)
def test_reason_of_a_failed_command_is_the_error_of_the_cli_or_the_app(output: str, reason: str) -> None:
    """A construct's mistakes, an exception without its traceback, or the last line that says anything."""
    assert cli_reason(output) == reason


def test_warnings_of_constructs_are_found_in_both_wordings() -> None:
    """With the construct's path, which the newer CLI writes below."""
    output = "[Warning at /S] Odd\nother\nWARNING Even (Construct Annotations)\n   S/B\n\nDone\n"
    assert cli_annotations(output, "warning") == ["[Warning at /S] Odd", "WARNING Even (Construct Annotations) S/B"]


def test_warning_of_several_constructs_is_reported_once_with_all_paths() -> None:
    """The newer CLI repeats it for each; another rule, or another text, is another warning."""
    told = "WARNING Odd (Construct Annotations)\n   {}\n   Acknowledge with '{}'\n\n"
    output = "".join(told.format(*one) for one in (("S/A", "x"), ("S/B", "x"), ("S/A", "y"), ("S/B", "x")))
    assert cli_annotations(output, "warning") == [
        "WARNING Odd (Construct Annotations) S/A, S/B Acknowledge with 'x'",
        "WARNING Odd (Construct Annotations) S/A Acknowledge with 'y'",
    ]


# --- Recording


class RecordingReporter(Reporter):
    """Records the order in which it received events."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def event(self, event: RehearsalEvent, *, intended: bool) -> None:
        """Note it."""
        self.told.append(f"{event.subject} {event.status}{' intended' if intended else ''}")


class Recorded:
    """A local AWS whose sources report what a test sets."""

    def __init__(self) -> None:
        self.report = RehearsalReport()
        self.reporter = RecordingReporter()
        self.received: list[ReceivedRequest] = []
        self.happened: list[dict[str, Any]] = []
        self.partner_central = SimpleNamespace(requests=lambda since: self.received[since:])
        self.output = CommandResult(0, "")
        self.runner = StepRunner(self, self, self.reporter, self.report)  # type: ignore[arg-type]
        self.runner.select_account(self, self, [SimpleNamespace(region="", name="S", resources=list)])  # type: ignore[arg-type, list-item]

    def at(self, _region: str) -> Recorded:
        """The same in the only region."""
        return self

    def client(self, _service: str) -> Any:
        """CloudFormation, as far as it is called."""
        pages: dict[str, Callable[[], dict[str, Any]]] = {
            "list_stacks": lambda: {"StackSummaries": [{"StackName": "S", "StackId": "S"}]},
            "describe_stack_events": lambda: {"StackEvents": self.happened[::-1]},
        }
        return SimpleNamespace(get_paginator=lambda name: SimpleNamespace(paginate=lambda **_: [pages[name]()]))

    def run(self, *_arguments: str, echo: Callable[[str], None]) -> CommandResult:
        """The CLI: it prints what a test sets."""
        for line in self.output.output.splitlines():
            echo(line)
        return self.output

    def moment(self, seconds: float) -> datetime:
        """So many seconds after the beginning."""
        return self.report.began_at + timedelta(seconds=seconds)

    def receive(self, seconds: float, operation: str, **more: Any) -> None:
        """Partner Central receives a request."""
        self.received.append(ReceivedRequest(operation, "", self.moment(seconds), **more))

    def happen(self, seconds: float, resource: str, status: str) -> None:
        """A resource of the stack gets another status."""
        self.happened.append({
            "EventId": f"{resource} {status}", "StackName": "S", "LogicalResourceId": resource,
            "ResourceType": "AWS::X::Y", "ResourceStatus": status, "Timestamp": self.moment(seconds),
        })  # fmt: skip


def test_events_are_shown_in_chronological_order_whatever_their_source() -> None:
    """What is later than the moment of asking, or than a request without an answer, waits for the next time."""
    recorded = Recorded()
    with recorded.runner.step("deploy", "Deploy", meets_fault=True) as step:
        recorded.receive(1.0, "ListPartners")
        recorded.happen(1.5, "A", "CREATE_COMPLETE")
        recorded.happen(3.0, "B", "CREATE_IN_PROGRESS")
        recorded.runner.record_events(until=2.0)
        assert recorded.reporter.told == ["ListPartners OK intended", "A CREATE_COMPLETE intended"]
        # It came while the stacks were asked: only now it is known.
        recorded.receive(2.5, "CreatePartner", answered=False)
        recorded.happen(4.0, "B", "CREATE_COMPLETE")
        recorded.runner.record_events(until=5.0)
        assert recorded.reporter.told[2:] == []
        recorded.received.pop()
        recorded.receive(2.5, "CreatePartner")
        recorded.receive(6.0, "GetPartner", answered=False, faults=("cut",))
        recorded.runner.record_events()
    assert [one.removesuffix(" intended") for one in recorded.reporter.told[2:]] == [
        "CreatePartner OK",
        "B CREATE_IN_PROGRESS",
        "B CREATE_COMPLETE",
        "GetPartner no answer",
    ]
    assert [event.seconds for event in step.events] == [1.0, 1.5, 2.5, 3.0, 4.0, 6.0]


EVENT_OF_CLI = "S | 3/10 | 2:51:14 AM | CREATE_IN_PROGRESS | AWS::X::Y"


@pytest.mark.parametrize(
    ("exit_code", "problem"),
    [(0, ""), (0, "another problem"), (1, f"cdk deploy failed: {EVENT_OF_CLI}")],
    ids=["passed", "failed otherwise", "failed"],
)
def test_cli_output_is_collapsed_and_expanded_when_the_command_fails(
    exit_code: int, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then the report keeps the last lines; the CLI's own event lines are never shown, a warning is shown once."""
    recorded = Recorded()
    lines = [f"line {number}" for number in range(50)]
    with (
        pytest.raises(RehearsalError, match=re.escape(problem)) if problem else nullcontext(),
        recorded.runner.step("deploy", "Deploy"),
    ):
        for code in (0, exit_code):
            recorded.output = CommandResult(code, "\n".join(["[Warning at /S] Odd", *lines, EVENT_OF_CLI]))
            recorded.runner.run("deploy")
        if problem:
            raise RehearsalError(problem)
    told = capsys.readouterr().out
    assert all((f"│ {line}\n" in told) == bool(exit_code) for line in lines)
    assert "AWS::X::Y" not in told
    assert recorded.report.cli_output == (lines[-40:] if exit_code else [])
    assert recorded.report.findings == [RehearsalFinding("app-warning", "[Warning at /S] Odd")]
    assert recorded.report.steps[0].outcome == ("failed" if problem else "passed")


def test_violated_aws_limit_fails_the_deployment_and_is_a_finding_in_each_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though the local AWS has done it: no tick, and no result that claims it; what was or is done otherwise passes."""
    recorded = Recorded()
    assembly = assembly_of(tmp_path, One=with_partner())
    rehearsal: Any = SimpleNamespace(_reporter=recorded.reporter, _report=recorded.report)

    def deploy(_fault: object) -> None:
        with recorded.runner.step("deploy-with-fault", "Deploy while another resource fails"):
            pass
        kept = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "orders"}}
        left = names_taken(resources_of(tmp_path / "left", Kept=kept), {"Kept": "AWS::DynamoDB::Table"})
        Rehearsal._report_findings(rehearsal, left)  # noqa: SLF001
        for step_id in ("deploy-after-fault", "deploy-unchanged", "destroy"):
            with recorded.runner.step(step_id, "Go on"):
                pass

    rehearsal.__dict__.update(
        _options=Options(tmp_path, (), fault=FAULTS["rollback"]),
        _assembly=assembly,
        _deploy_during=deploy,
        _expect_each_partner_once=list,
    )
    Rehearsal._deploy(rehearsal)  # noqa: SLF001
    recorded.reporter.summary(recorded.report)
    told = capsys.readouterr().out
    content = json.loads(recorded.report.to_json())
    assert [(step["Outcome"], step["Refused"]) for step in content["Steps"]] == [
        ("passed", False),
        ("failed", True),
        ("failed", True),
        ("passed", False),
    ]
    assert re.search(r"✗ AWS would refuse this  \d", told)
    assert re.search(r"✗ +\d.\d s  Go on: AWS would refuse this\n", told)
    (finding,) = content["Findings"]
    assert (finding["Id"], finding["Fails"]) == ("name-taken", True)
    assert f"Findings\n  {finding['Text']}\n" in told
    assert finding["Text"] in sections(recorded.report)["findings"]
    assert "Go onAWS would refuse this" in sections(recorded.report)["steps"]
    assert to_html(recorded.report).count('<li><i class="bar failed"></i>') == 1, "the legend names each colour once"
    assert "rolled back, then deployed, which AWS would refuse; " in content["Results"][0]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_interrupted_step_is_reported_as_interrupted_everywhere(
    error: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """In the JSON report, in the list of steps and on the page, as in the step's own line."""
    recorded = Recorded()
    with pytest.raises(error), recorded.runner.step("deploy", "Deploy"):
        raise error
    recorded.reporter.summary(recorded.report)
    told = capsys.readouterr().out
    assert "  ✗ interrupted  " in told
    assert "  Deploy: interrupted\n" in told
    assert json.loads(recorded.report.to_json())["Steps"][0]["Outcome"] == "interrupted"
    assert '<span class="outcome interrupted">interrupted</span>' in to_html(recorded.report)


# --- The terminal


def offered_after(report: RehearsalReport) -> dict[str, str]:
    """What to type next and what for, after a rehearsal without options."""
    return dict(_next_steps(Options(Path(), ()), ReportFiles(), report))


@pytest.mark.parametrize(
    ("tried", "told", "commands"),
    [(1, [], []), (1, ["Traceback"], ["--verbose"]), (2, [], ["--verbose", "--keep", "--html"])],
)
def test_failed_synthesis_offers_only_the_clis_output(
    report: RehearsalReport, tried: int, told: list[str], commands: list[str]
) -> None:
    """No local AWS to keep and no page; both as soon as another step was tried."""
    report.outcome, report.steps, report.cli_output = "failed", report.steps[:tried], told
    assert [command.split()[0] for command in offered_after(report)] == commands


def test_rollback_is_offered_as_one_of_a_creation_or_an_update(report: RehearsalReport) -> None:
    """After a rehearsal without a fault, which may have found the partner there already."""
    purposes = offered_after(report)
    assert purposes["--fault rollback"].endswith("rolled back after the partner was created or updated")


def test_doctor_of_the_sandbox_is_the_next_step_where_the_only_partner_is_there(report: RehearsalReport) -> None:
    """Whether it is new or there already."""
    for exists in (False, True):
        report.partners = [replace(report.partners[0], catalog="Sandbox", exists=exists)]
        assert "partner-account doctor --catalog Sandbox" in offered_after(report)


def told_by(capsys: pytest.CaptureFixture[str], report: RehearsalReport, **settings: bool) -> list[str]:
    """The lines of the preview, of a step with its events, and of the summary."""
    reporter = Reporter(**settings)
    reporter.preview(report)
    step = report.steps[1]
    with reporter.step(step, 2):
        for event in step.events:
            reporter.event(event, intended=True)
    reporter.summary(report)
    reporter.next_steps([("--html rehearsal.html", "get a page that can be attached to the change request")])
    captured = capsys.readouterr()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", captured.err if settings.get("to_stderr") else captured.out)
    return re.sub(r"\d+(\.\d)? s\b", "0 s", text).splitlines()  # a loaded machine takes longer


def test_nothing_breaks_within_a_word_and_what_continues_is_indented(
    report: RehearsalReport, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On terminals of 78 to 120 columns; only an output's value, which is to be copied, stays in one line."""
    elsewhere = told_by(capsys, report)
    began = {line.split()[0] for line in elsewhere if line and not line.startswith(" ")}
    monkeypatch.setenv("FORCE_COLOR", "1")
    # The clock draws over itself, which no reader of lines sees.
    monkeypatch.setattr("partner_account_rehearsal.terminal.Progress", mock.MagicMock())
    for columns in range(78, 121):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = told_by(capsys, report)
        copied = [line for line in elsewhere if ARN in line and len(line) > columns]
        assert [line for line in lines if len(line) > columns] == copied
        assert " ".join(lines).split() == " ".join(elsewhere).split()
        assert all(not line or line.startswith("  ") or line.split()[0] in began for line in lines)
        assert len(lines) > len(elsewhere)


def test_summary_shows_the_key_events_and_that_the_rollback_was_intended(
    report: RehearsalReport, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not each resource; kept resources, the findings and the next step are shown too."""
    lines = told_by(capsys, report)
    text = "\n".join(lines)
    assert "✓ rolled back, as intended  " in text
    assert "✓    0 s  Deploy while another resource" in text
    assert "CREATE_COMPLETE AWS::IAM::Role Alliances/Provider/Role" not in text
    kept = lines.index("Kept when the stacks are destroyed")
    assert lines[kept + 1 : kept + 3] == ["  Alliances/Partner", "  Alliances/Log"]
    assert "  [Warning at /Alliances] the role isn't updated" in lines
    assert "  --html rehearsal.html   get a page that can be attached to the change request" in lines
    assert "CREATE_COMPLETE AWS::IAM::Role Alliances/Provider/Role" in "\n".join(told_by(capsys, report, verbose=True))


def test_elapsed_time_is_shown_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file nothing of it is seen, and nothing of what passes by."""
    told = []
    for terminal in (False, True):
        if terminal:
            monkeypatch.setenv("FORCE_COLOR", "1")
        reporter = Reporter()
        with reporter.step(StepReport("deploy", "Deploy"), 4):
            reporter.cli_line("Bundling [a]")
        told.append(capsys.readouterr().out)
    assert re.fullmatch(r"\n4. Deploy\n  ✓ \d+.\d s\n", told[0])
    assert re.search(r"0:00:0\d.*Bundling \[a\]", told[1])


def test_only_unintended_failures_are_red(
    report: RehearsalReport, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same event in yellow where a fault was to be met."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    (failed,) = [event for event in report.steps[1].events if event.failed]
    colours = []
    for intended in (True, False):
        Reporter().event(failed, intended=intended)
        colours.append(capsys.readouterr().out.partition("m")[0])
    assert colours == ["\x1b[33", "\x1b[1;31"]


# --- JSON


def test_json_report_has_one_casing_and_stable_ids(report: RehearsalReport) -> None:
    """Members as AWS writes them; what the app or CloudFormation has named keeps its name."""
    content = json.loads(report.to_json())
    assert (content["Format"], content["BeganAt"], content["Commit"]) == (2, "2026-11-28T02:39:00+00:00", report.commit)
    assert [step["Id"] for step in content["Steps"]] == ["synthesize", "deploy-with-fault"]
    assert content["Steps"][1]["Events"][2] == {
        "Seconds": 12.0, "Source": "Partner Central", "Stack": "", "Type": "", "Subject": "CreatePartner",
        "Status": "OK", "Reason": "", "Changes": True, "Expected": False,
    }  # fmt: skip
    assert content["Outputs"] == report.outputs
    assert content["Versions"] == report.versions
    assert content["Stacks"][0]["Resources"] == {"AWS::IAM::Role": 2, PARTNER: 1}
    text = "[Warning at /Alliances] the role isn't updated"
    assert content["Findings"] == [{"Id": "app-warning", "Text": text, "Fails": False}]


# --- The page


def sections(report: RehearsalReport) -> dict[str, str]:
    """The page's text, by section."""
    page = Page()
    page.feed(to_html(report))
    return {name: " ".join(text.split()) for name, text in page.sections.items()}


def test_page_shows_intended_failures_kept_resources_and_versions(report: RehearsalReport) -> None:
    """Markup in a name is text."""
    page = sections(report)
    assert "“Example <Corp>”" in page["header"]
    assert "rolled back, as intended" in page["steps"]
    assert re.search(r'<tr class=" +look intended">\s*<td class="num">13.0 s', to_html(report))
    assert page["retained"].endswith("Alliances/PartnerAlliances/Log")
    assert "the role isn't updated" in page["findings"]
    footer = "cdk-partner-account 0.1.0 · aws-cdk 2.1148.1 · aws-cdk-lib 2.275.0 · commit 0123456789ab-dirty"
    assert page["footer"].endswith(footer)


def test_refusal_that_was_expected_is_no_failure_on_the_page_nor_in_its_legend(report: RehearsalReport) -> None:
    """As the Sandbox's of the ownership tag."""
    refused = request_event(12.5, "TagResource", "ValidationException", changes=True)
    assert refused.failed
    assert "one whose failure is expected" not in sections(report)["timeline"]
    expected = "expected: the Sandbox may refuse tags"
    report.steps[1].events.append(replace(refused, reason=expected, expected=True))
    assert expected in sections(report)["steps"]
    assert "one whose failure is expected" in sections(report)["timeline"]
    assert re.search(r'<i class="mark change expected"[^>]* title="TagResource: ValidationException', to_html(report))
    assert not report.steps[1].events[-1].failed


def test_page_of_a_failure_has_the_reason_and_the_clis_last_lines(report: RehearsalReport) -> None:
    """And of an interruption, that it was one."""
    report.outcome, report.problem, report.cli_output = "failed", "cdk deploy failed: a\n  - b", ["x < y", "z"]
    report.steps[1].outcome = "failed"
    html = to_html(report)
    assert "cdk deploy failed: a\n  - b" in html
    assert "<pre>x &lt; y\nz</pre>" in html
    assert re.search(r'<tr class=" +look failed">\s*<td class="num">13.0 s', html)
    report.outcome = "interrupted"
    assert "The rehearsal was interrupted: cdk deploy failed" in sections(report)["header"]


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({1.0: "CreatePartner", 2.0: "TagResource"}, [(10.0, "CreatePartner, TagResource")]),
        (
            {1.0: "CreatePartner", 2.0: "CreatePartner", 9.0: "TagResource"},
            [(20.0, "CreatePartner (2 times)"), (90.0, "TagResource")],
        ),
    ],
)
def test_near_changes_have_one_label_on_the_timeline(
    changes: dict[float, str], labels: list[tuple[float, str]]
) -> None:
    """Two labels would lie on each other; each operation is named once, where it was last requested."""
    events = [request_event(at, name, changes=True) for at, name in changes.items()]
    assert Timeline(10.0).labels(StepReport("", "", events=events)) == labels


@needs_chromium
def test_page_overflows_at_no_width_whatever_the_names_are(report: RehearsalReport, tmp_path: Path) -> None:
    """Measured in a browser at 390, 1280 and 1440 pixels, with names that have no place to break at."""
    endless = "Endless" * 20
    report.outcome, report.problem, report.cli_output = "failed", endless, [endless]
    report.partners[0].legal_name = endless
    report.stacks.append(StackReport(endless, {endless: 2}, [endless]))
    report.iam_statements.append(Statement(endless, "Deny", [endless], [endless], [endless]))
    report.outputs[endless] = {endless: endless}
    report.findings.append(RehearsalFinding("app-warning", endless))
    report.not_rehearsed.append(StandIn(endless, [endless], endless))
    report.steps.append(
        StepReport("deploy", endless, events=[stack_event(1.0, PARTNER, endless, "CREATE_FAILED", endless)])
    )
    page = tmp_path / "report.html"
    page.write_text(to_html(report), "utf-8")
    with chromium(tmp_path / "profile") as browser:
        for width in (390, 1280, 1440):
            assert browser.measure(page, width, "innerWidth") == width
            assert browser.measure(page, width, OVERFLOWING) == []


# --- The files


def test_earlier_report_is_replaced_and_any_other_file_is_not(
    tmp_path: Path, report: RehearsalReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier report of this version or another; so are an empty file, and none. A pipe isn't read."""
    monkeypatch.chdir(tmp_path)
    assert ReportFiles(Path("report.json"), Path("report.html")).problem() == ""
    ReportFiles(Path("report.json"), Path("report.html")).write(report)
    Path("later.json").write_text(json.dumps({**json.loads(report.to_json()), "Format": 99, "More": 1}))
    Path("empty").write_text("\n")
    Path("cdk.json").write_text('{"app": "touch started; false"}')
    Path("app.py").write_text("import aws_cdk\n")
    os.mkfifo("pipe")
    lost = "would be lost, and is not a report: use another file, or add --overwrite"
    for json_file, html_file, problem in [
        ("report.json", "report.html", ""),
        ("later.json", "empty", ""),
        ("pipe", os.devnull, ""),
        ("cdk.json", None, f"cdk.json {lost}"),
        (None, "app.py", f"app.py {lost}"),
        ("app.py", "cdk.json", f"app.py and cdk.json {lost}"),
        ("report.html", None, f"report.html {lost}"),
        ("one", "./one", "one can't be both reports: use another file for --json or --html"),
        (None, "absent/report.html", "absent/report.html can't be written: use a file in a directory of yours"),
    ]:
        files = ReportFiles(json_file and Path(json_file), html_file and Path(html_file))  # type: ignore[arg-type]
        assert files.problem() == problem
    assert ReportFiles(Path("cdk.json"), Path("app.py"), overwrite=True).problem() == ""
    assert ReportFiles(Path("one"), Path("./one"), overwrite=True).problem().startswith("one can't be both")


def test_missing_app_is_a_problem_before_anything_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the remedy."""
    monkeypatch.setattr("partner_account_rehearsal.run.local_aws", None)
    problem = "there is no cdk.json here: go to the directory of your CDK app, or add its command with --app"
    assert run(Options(tmp_path, ()), ReportFiles()) == problem


def test_commit_of_an_app_is_marked_dirty_if_its_files_differ(tmp_path: Path) -> None:
    """Outside of Git, and before the first commit, there is none."""

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=Jane", "-c", "user.email=jane@example.com")
        done = subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    found = [commit_of(tmp_path)]
    git("init")
    found.append(commit_of(tmp_path))
    (tmp_path / "app.py").write_text("app = 1\n")
    git("add", ".")
    git("commit", "--message", "An app")
    found.append(commit_of(tmp_path))
    (tmp_path / "app.py").write_text("app = 2\n")
    found.append(commit_of(tmp_path))
    commit = git("rev-parse", "--short=12", "HEAD")
    assert found == ["", "", commit, f"{commit}-dirty"]


# --- The documentation


PAGE = (Path(__file__).parents[2] / "docs" / "rehearse.md").read_text()


def test_each_option_and_each_fault_is_documented() -> None:
    """In docs/rehearse.md, as the command knows them; it documents no other."""
    section = PAGE.split("## Options\n", 1)[1].split("\n## ", 1)[0]
    documented = set(re.findall(r"`(--[a-z-]+)", section))
    options = {option for one in rehearse.params for option in one.opts if option.startswith("--")}
    assert documented == options | {"--help"}
    table = PAGE.split("## Faults\n", 1)[1].split("\n## ", 1)[0]
    assert [fault.name for fault in FAULTS.values() if fault.meaning not in table.replace("`", "")] == []
    assert re.findall(r"^\| `([a-z-]+)` ", table, re.MULTILINE)[1:] == list(FAULTS)
    assert " ".join(str(rehearse.help).split()).endswith(f"Faults: {', '.join(FAULTS)}.")


def test_json_reference_has_each_member_and_each_id(report: RehearsalReport) -> None:
    """In their order, and no other; those within a member too."""
    section = PAGE.split("### JSON\n", 1)[1].split("\n## ", 1)[0]
    content = json.loads(report.to_json())
    assert re.findall(r"^\| `(\w+)` ", section, re.MULTILINE) == list(content)
    within = [
        content[name][0]
        for name in ("Stacks", "Partners", "Profiles", "IamStatements", "Findings", "NotRehearsed", "Steps")
    ]
    members = {member for one in [*within, content["Steps"][1]["Events"][0]] for member in one}
    source = Path(inspect.getfile(Rehearsal)).read_text()
    ids = set(re.findall(r'(?:\.step|_deploy_all)\(\s*"([a-z-]+)"', source))
    assert len(ids) > 5
    assert {*members, *ids} <= set(re.findall(r"`([\w-]+)`", section))
