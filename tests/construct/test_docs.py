"""Pages about the construct: what they list is what the code has, and their examples run."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template
from aws_cdk.aws_lambda import Code, LayerVersion
from aws_cdk.aws_logs import RetentionDays

from partner_account import PartnerAccount, PartnerAccountProvider, PartnerProfile, permissions
from tests.construct.apps import HERE, deployed, new_app, new_stack, partner_in, resource_of, resources_of
from tests.construct.permission_table import NOTES, granted, page
from tests.construct.test_provider import boundary_in, key_statement_in, vpc_in

DOCS = Path(__file__).parents[2] / "docs"
PROVIDER = (DOCS / "provider.md").read_text("utf-8")


def test_permissions_page_is_generated_from_the_code() -> None:
    """Anew: `python -m tests.construct.permission_table > docs/permissions.md`."""
    assert (DOCS / "permissions.md").read_text("utf-8") == page()
    assert NOTES.keys() <= {permission.sid for permission in [*granted(), *permissions.join_vpc()]}


def first_cells(first_header: str) -> dict[str, str]:
    """The content of the table with that first header: the second cell by the first."""
    (table,) = re.findall(rf"^\| {first_header} \|.*\n\|---.*\n((?:\|.*\n)+)", PROVIDER, re.MULTILINE)
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return {cells[0].strip("`"): cells[1] for cells in rows}


def examples(language: str) -> list[str]:
    """The code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PROVIDER, re.MULTILINE | re.DOTALL)


def test_each_prop_of_the_provider_is_documented() -> None:
    """In the table of props."""
    signature = inspect.signature(PartnerAccountProvider.__init__)
    props = {name for name, parameter in signature.parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    assert first_cells("prop").keys() == props


def test_each_prop_of_the_profile_is_documented() -> None:
    """In the table of props of its page, which may have two in a row."""
    table = (DOCS / "profile.md").read_text("utf-8").split("## Props")[1].split("## ")[0]
    named = {
        name for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    signature = inspect.signature(PartnerProfile.__init__)
    props = {name for name, parameter in signature.parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    assert named == props


def test_documented_statement_for_an_imported_key_matches_that_of_an_app_key() -> None:
    """The JSON on the page is what a key of the app gets."""
    stack = new_stack("Alliances", env=HERE)
    PartnerAccountProvider(stack, "Provider", encryption_key=kms.Key(stack, "Key"))
    added = deployed(key_statement_in(stack))
    del added["Sid"]
    assert added in [json.loads(example) for example in examples("json")]


def test_role_fits_the_policies_of_five_partners() -> None:
    """In catalog AWS; IAM counts all characters but blanks. A stack of the longest name is reckoned with."""
    stack = cdk.Stack(new_app(), "S" * 128)
    PartnerAccountProvider(stack, "Provider", vpc=vpc_in(stack))
    partner_in(stack)
    long = {"AWS::StackId": f"arn:aws-us-gov:cloudformation:us-gov-west-1:111111111111:stack/{'S' * 128}/{'0' * 36}"}
    sizes = {
        name: len(re.sub(r"\s", "", json.dumps(deployed(policy["Properties"]["PolicyDocument"], long))))
        for name, policy in resources_of(stack, "AWS::IAM::Policy").items()
    }
    own = sizes.pop("PartnerAccountProviderPolicy")
    (of_partner,) = sizes.values()
    assert own + 5 * of_partner <= 10_240 < own + 6 * of_partner


def test_the_examples_run(tmp_path: Path) -> None:
    """Unchanged, with the names that the text uses for the user's own values."""
    stack = new_stack()
    first, shared, proxied = examples("python")
    names: dict[str, Any] = {"boundary": boundary_in(stack), "vpc": vpc_in(stack), "key": kms.Key(stack, "Key")}
    names |= {"stack": stack, "PartnerAccountProvider": PartnerAccountProvider, "RetentionDays": RetentionDays}
    exec(first, names)  # noqa: S102 - the page's own code

    app = new_app()
    platform, other = cdk.Stack(app, "Platform"), cdk.Stack(app, "Other")

    def partner(scope: cdk.Stack, name: str, **props: Any) -> PartnerAccount:
        return partner_in(scope, name, **props)

    known = {"stack": other, "platform": platform, "props": {}, "PartnerAccount": partner}
    exec(shared, known | {"PartnerAccountProvider": PartnerAccountProvider})  # noqa: S102 - likewise
    assert len(resources_of(platform, "AWS::Lambda::Function")) == 1
    assert resources_of(other, "AWS::Lambda::Function") == {}

    code = SimpleNamespace(from_asset=lambda path: Code.from_asset(str(tmp_path / path)))
    (tmp_path / "authorities").mkdir()
    (tmp_path / "authorities" / "authorities.pem").touch()
    behind = new_stack()
    known = {"stack": behind, "vpc": vpc_in(behind), "PartnerAccountProvider": PartnerAccountProvider}
    exec(proxied, known | {"LayerVersion": LayerVersion, "Code": code})  # noqa: S102 - likewise
    function = resource_of(behind, "AWS::Lambda::Function")["Properties"]
    assert set(function["Environment"]["Variables"]) == {"HTTPS_PROXY", "NO_PROXY", "AWS_CA_BUNDLE"}
    assert len(function["Layers"]) == 1


def test_the_example_of_an_output_by_its_name_runs() -> None:
    """That of docs/passing-values.md, unchanged: no import, and the names of the README's example."""
    page = (DOCS / "passing-values.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page's own code
    reader = str(Template.from_stack(names["reader"]).to_json())
    assert "{'Fn::GetStackOutput': {'StackName': 'Alliances', 'OutputName': 'PartnerProfileId'}}" in reader
