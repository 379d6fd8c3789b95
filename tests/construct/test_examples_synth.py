"""The examples of passing a partner's values on: what each connects, and what it locks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((ROOT / "examples").glob("*.py"))
ID = "partner-abcDEF1234567"
ARN = f"arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/{ID}"
ELSEWHERE = {"reader_account": "222222222222", "reader_region": "eu-west-1"}


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account of the credentials, as the cdk CLI tells it."""
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "111111111111")


def app_of(example: str, **context: str) -> cdk.App:
    """The app of an example."""
    app = cdk.App(context=context)
    import_module(f"examples.{example}").add_stacks(app)
    return app


def templates(example: str, **context: str) -> list[dict[str, Any]]:
    """The templates of an example's stacks, that of the partner first."""
    stacks = [child for child in app_of(example, **context).node.children if isinstance(child, cdk.Stack)]
    return [dict(Template.from_stack(stack).to_json()) for stack in stacks]


def found(function: str, part: Any) -> Iterator[Any]:
    """The arguments of an intrinsic function, wherever in a template it stands."""
    if isinstance(part, dict):
        yield from [part[function]] if function in part else ()
        part = list(part.values())
    if isinstance(part, list):
        for member in part:
            yield from found(function, member)


def exports_of(template: dict[str, Any]) -> dict[str, str]:
    """The attribute of the partner behind each export."""
    outputs = [output for output in template["Outputs"].values() if "Export" in output]
    return {output["Export"]["Name"]: output["Value"]["Fn::GetAtt"][1] for output in outputs}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_each_program_tells_how_it_is_run_and_where_it_is_explained(program: Path) -> None:
    """Its docstring has the command, and a page of the documentation names it."""
    text = ast.get_docstring(ast.parse(program.read_text())) or ""
    assert f'--app "python examples/{program.name}"' in text
    assert any(f"examples/{program.name}" in page.read_text() for page in (ROOT / "docs").glob("*.md"))


def test_the_output_by_its_name_needs_no_example() -> None:
    """The program in docs/passing-values.md, as it stands: no import, and the names of the README's example."""
    page = (ROOT / "docs" / "passing-values.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the project's own page
    read = list(found("Fn::GetStackOutput", dict(Template.from_stack(names["reader"]).to_json())))
    assert read == [{"StackName": "Alliances", "OutputName": "PartnerProfileId"}]


@pytest.mark.parametrize(
    "example", ["exports", "references", "weak_references", "another_environment", "ssm_parameters", "grants"]
)
def test_no_output_is_an_import_or_a_weak_reference(example: str) -> None:
    """CloudFormation may refuse a weak reference there, and cfn-lint warns of an import (W6001)."""
    outputs = [output["Value"] for template in templates(example) for output in template["Outputs"].values()]
    assert outputs
    assert [value for value in outputs if value.keys() & {"Fn::ImportValue", "Fn::GetStackOutput"}] == []


@pytest.mark.parametrize("example", ["exports", "references"])
def test_an_import_locks_what_is_used_and_nothing_else(example: str) -> None:
    """The reader imports the ARN, which never changes, and not the profile id, which may."""
    partner, reader = templates(example)
    exports = exports_of(partner)
    assert {exports[name] for name in found("Fn::ImportValue", reader)} == {"Arn"}


@pytest.mark.parametrize("example", ["exports", "references", "ssm_parameters", "weak_references"])
def test_the_partner_is_deployed_before_its_reader(example: str) -> None:
    """One `cdk deploy --all` is enough."""
    partner, reader = app_of(example).synth().stacks
    assert partner.id in [artifact.id for artifact in reader.dependencies]


def test_parameters_are_read_under_the_names_they_are_written_to() -> None:
    """By CloudFormation, at each deployment of the reader, and without an import."""
    partner, reader = templates("ssm_parameters")
    written = {
        resource["Properties"]["Name"]: resource["Properties"]["Value"]["Fn::GetAtt"][1]
        for resource in partner["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    }
    asked = {name: one for name, one in reader["Parameters"].items() if name != "BootstrapVersion"}
    assert {one["Type"] for one in asked.values()} == {"AWS::SSM::Parameter::Value<String>"}
    values = {name: reader["Outputs"][name]["Value"]["Ref"] for name in ("Arn", "ProfileId")}
    assert {name: written[asked[parameter]["Default"]] for name, parameter in values.items()} == {
        "Arn": "Arn",
        "ProfileId": "ProfileId",
    }
    assert list(found("Fn::ImportValue", reader)) == []


def test_weak_references_lock_nothing() -> None:
    """They name outputs that are there, without exporting anything for them."""
    partner, reader = templates("weak_references")
    read = list(found("Fn::GetStackOutput", reader))
    attributes = {partner["Outputs"][one["OutputName"]]["Value"]["Fn::GetAtt"][1] for one in read}
    assert attributes == {"Arn", "ProfileId"}
    assert {one["StackName"] for one in read} == {"WeakPartner"}
    assert list(found("Fn::ImportValue", reader)) == []
    assert all(name.startswith("WeakPartner-Partner-") for name in exports_of(partner))


def test_another_region_is_reached_without_help() -> None:
    """The reference names the region; no function and no role is made for it."""
    partner, reader = templates("another_environment", reader_region="eu-west-1")
    read = list(found("Fn::GetStackOutput", reader))
    assert {(one["StackName"], one["Region"], "RoleArn" in one) for one in read} == {
        ("HerePartner", "us-east-1", False)
    }
    kinds = {resource["Type"] for resource in reader["Resources"].values()}
    assert kinds == {"AWS::SSM::Parameter"}
    assert [name for name in partner["Resources"] if name.startswith("Publish")] == []


def test_another_account_gets_a_role_that_reads_this_one_stack() -> None:
    """Only the other account's CloudFormation may assume it."""
    partner, reader = templates("another_environment", **ELSEWHERE)
    made = [resource for name, resource in partner["Resources"].items() if name.startswith("Publish")]
    role, policy = sorted(made, key=lambda resource: str(resource["Type"]), reverse=True)
    role_name = role["Properties"]["RoleName"]
    assert all(role_name in str(one["RoleArn"]) for one in found("Fn::GetStackOutput", reader))
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert "222222222222:role/cdk-hnb659fds-cfn-exec-role-222222222222-eu-west-1" in str(trust["Principal"])
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "cloudformation:DescribeStacks"
    assert ":cloudformation:us-east-1:111111111111:stack/HerePartner/*" in str(statement["Resource"])


def test_a_known_partner_is_literals_only() -> None:
    """Nothing in the template refers to another stack; without the profile id there is none."""
    (reader,) = templates("known_partner", partner_arn=ARN)
    values = [resource["Properties"] for resource in reader["Resources"].values()]
    assert values == [{"Name": "/alliances/partner/AWS", "Type": "String", "Value": ID}]
    assert {name: output["Value"] for name, output in reader["Outputs"].items()} == {"Arn": ARN}
    (reader,) = templates("known_partner", partner_arn=ARN, profile_id="pprofile-abcDEF1234567")
    assert reader["Outputs"]["ProfileId"]["Value"] == "pprofile-abcDEF1234567"


def test_an_unknown_partner_ends_the_program_with_what_is_missing() -> None:
    """Who gives no ARN, or the `pending` of the outputs, is told so without a traceback."""
    with pytest.raises(SystemExit) as refused:
        app_of("known_partner", profile_id="pending")
    assert "partner_arn: " in str(refused.value)
    assert "profile_id: 'pending' is not pprofile-" in str(refused.value)


def test_each_role_may_do_its_own_work_only() -> None:
    """On this one partner; `*` stands only where the service knows no resource."""
    (template,) = templates("grants")
    policies = {
        name: resource["Properties"]["PolicyDocument"]["Statement"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy"
    }
    auditor, lead, publisher = (
        next(statements for name, statements in policies.items() if name.startswith(role))
        for role in ("Auditor", "AllianceLead", "Publisher")
    )
    assert not [action for action in actions_of(auditor) if not action.startswith(("Get", "List"))]
    assert actions_of(lead) == {"GetAllianceLeadContact", "PutAllianceLeadContact", "SendEmailVerificationCode"}
    assert actions_of(publisher) - actions_of(auditor) == {"StartProfileUpdateTask", "PutProfileVisibility"}
    everywhere = {"ListTagsForResource", "SendEmailVerificationCode"}
    for statement in auditor + lead + publisher:
        narrowed = statement["Resource"] == {"Fn::GetAtt": ["Partner776273A3", "Arn"]}
        assert narrowed or actions_of([statement]) <= everywhere


def actions_of(statements: list[dict[str, Any]]) -> set[str]:
    """The actions of Partner Central that statements allow."""
    listed = [action if isinstance(action, list) else [action] for action in (one["Action"] for one in statements)]
    return {action.removeprefix("partnercentral:") for actions in listed for action in actions}
