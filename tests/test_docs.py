"""README and docs: their code runs, their tables are those of the code, their sources are AWS's pages.

Each page that is made of code has its test beside that: docs/faults.md, docs/permissions.md, docs/cli.md.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from partner_account import PartnerAccount, PartnerAccountProvider
from partner_account.errors import DOCUMENTATION
from partner_central_simulator import FaultKind, Readings

ROOT = Path(__file__).parents[1]
ARN = "arn:aws:partnercentral:us-east-1:111111111111:catalog/AWS/partner/partner-4nCbV0x2kQ9ap"


def page(name: str) -> str:
    """The text of a page."""
    return (ROOT / name).read_text("utf-8")


def python_blocks(name: str) -> list[str]:
    """The examples of a page, in order."""
    return re.findall(r"^```python\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL)


# --- Examples


@pytest.mark.parametrize(("name", "stack"), [("README.md", "AlliancesSandbox"), ("docs/props.md", "Alliances")])
def test_first_example_of_a_page_synthesizes_with_the_outputs_that_the_readme_names(
    name: str, stack: str, tmp_path: Path
) -> None:
    """Unchanged, as a program of its own."""
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", python_blocks(name)[0]], env=environment, check=True)
    template = (tmp_path / f"{stack}.template.json").read_text()
    for attribute in ("Arn", "Id", "ProfileId"):
        assert f'"Partner{attribute}"' in template
        assert f"{stack}-Partner-{attribute}" in template


def test_readme_lists_the_versions_that_the_package_requires() -> None:
    """Of Python, and of aws-cdk-lib."""
    project = tomllib.loads(page("pyproject.toml"))["project"]
    (lowest,) = (
        found.group(1) for text in project["dependencies"] if (found := re.match(r"aws-cdk-lib>=([\d.]+),", text))
    )
    assert f"Python {project['requires-python'].removeprefix('>=')} or later" in page("README.md")
    assert f"`aws-cdk-lib` {lowest} or later" in page("README.md")


def test_readme_names_only_the_sandbox_in_its_example() -> None:
    """What is copied from there first can be undone."""
    (example,) = python_blocks("README.md")
    assert "Catalog.SANDBOX" in example
    assert "Catalog.AWS" not in example


def test_example_of_grants_runs() -> None:
    """Each action in it is one that a partner's ARN can narrow."""
    stack = cdk.Stack()
    principal = iam.ServicePrincipal("lambda.amazonaws.com")
    names: dict[str, Any] = {
        role: iam.Role(stack, role, assumed_by=principal)
        for role in ("auditor", "alliance_team", "marketing", "controller")
    }
    exec(python_blocks("docs/props.md")[1], names | {"partner": PartnerAccount.from_partner_arn(stack, "P", ARN)})  # noqa: S102 - the page's own code
    assert len(Template.from_stack(stack).find_resources("AWS::IAM::Policy")) == len(names)


def test_example_of_a_metric_filter_finds_failed_requests() -> None:
    """In the log of the provider."""
    stack = cdk.Stack()
    (code,) = python_blocks("docs/troubleshooting.md")
    exec(code, {"stack": stack, "logs": logs, "provider": PartnerAccountProvider(stack, "Provider")})  # noqa: S102 - likewise
    (made,) = Template.from_stack(stack).find_resources("AWS::Logs::MetricFilter").values()
    assert made["Properties"]["FilterPattern"] == '{ $.outcome = "Failed" }'


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"`(make [a-z-]+)", page("README.md") + page("CONTRIBUTING.md"))))
)
def test_each_make_target_that_readme_and_contributing_name_exists(command: str) -> None:
    """Looked up, not run: `make test` is what runs this."""
    subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_each_page_linked_from_a_message_exists() -> None:
    """At the address that the package's metadata gives; who has installed it has no files of `docs/`."""
    urls = tomllib.loads(page("pyproject.toml"))["project"]["urls"]
    assert f"{urls['Documentation']}docs/" == DOCUMENTATION
    sources = [path.read_text("utf-8") for path in (ROOT / "constructs").rglob("*.py")]
    texts = [text.replace("{DOCUMENTATION}", DOCUMENTATION) for text in [*sources, page("examples/pipeline.py")]]
    named = {name for text in texts for name in re.findall(rf"{re.escape(DOCUMENTATION)}([\w-]+)\.html", text)}
    assert {"moving", "permissions", "provider", "what-it-means"} <= named
    assert {name for name in named if not (ROOT / f"docs/{name}.md").exists()} == set()
    assert [found for text in texts for found in re.findall(r"docs/[\w-]+\.md", text)] == []


def test_each_test_module_that_a_document_or_a_docstring_names_exists() -> None:
    """Everything cited as proof can be looked up."""
    rooms = ("tests", "constructs", "lambda", "simulator", "rehearsal", "cli")
    sources = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/site").glob("*.md"), *sources]
    named = {name for path in texts for name in re.findall(r"\btests/[\w/]+\.py", path.read_text("utf-8"))}
    assert len(named) > 10
    assert {name for name in named if not (ROOT / name).exists()} == set()


# --- Tables


def test_table_of_props_has_each_prop_of_the_construct() -> None:
    """And no other."""
    signature = inspect.signature(PartnerAccount.__init__)
    props = {name for name, parameter in signature.parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    table = page("docs/props.md").split("| later changes |\n", 1)[1].split("\n\n", 1)[0]
    rows = [row.split(" | ")[0] for row in table.splitlines()]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == props


def test_each_simulator_reading_is_a_question_on_the_limits_page() -> None:
    """A new switch is a new unknown, and must be documented with the outcome of each reading."""
    switches = re.findall(r"\| `([a-z_]+)` \|$", page("docs/limits.md"), re.MULTILINE)
    assert sorted(switches) == sorted(field.name for field in fields(Readings))


def test_each_fault_on_the_limits_page_can_be_injected() -> None:
    """The page promises that the tests run it."""
    lines = re.findall(r"faults? (`.*) \|$", page("docs/limits.md"), re.MULTILINE)
    named = {name for line in lines for name in line.split(", ")}
    assert named - {"`lasting`"} <= {f"`{kind}`" for kind in FaultKind}


def test_each_statement_about_creation_links_to_an_aws_page() -> None:
    """Each page that docs/what-it-means.md names has its address there, and none is listed that no text names."""
    meaning = page("docs/what-it-means.md")
    addresses = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", meaning, re.MULTILINE))
    text = re.sub(r"^\[[^\]]+\]: .*$", "", meaning, flags=re.MULTILINE).split("## AWS's pages")[0]
    assert set(re.findall(r"\[([^\]]+)\](?![(:])", text)) == addresses.keys()
    assert all(url.startswith("https://docs.aws.amazon.com/partner-central/") for url in addresses.values())
