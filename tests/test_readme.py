"""The README: its code runs, its tables are true. What `make demo` runs, tests/e2e/test_rehearse.py runs too."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from partner_account import PartnerAccount
from tests.construct.permission_table import granted

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The README's code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def first_cells(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, as lists of cells."""
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


@pytest.mark.parametrize("code", blocks("python"))
def test_each_python_example_synthesizes(code: str, tmp_path: Path) -> None:
    """As it stands, and with the outputs that the text names."""
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "CDK_OUTDIR": str(tmp_path)}, check=True)
    template = (tmp_path / "Alliances.template.json").read_text()
    for name in ("Arn", "Id", "ProfileId"):
        assert f'"Partner{name}"' in template
        assert f"Alliances-Partner-{name}" in template


@pytest.mark.parametrize("command", ["make demo", "make test", "make test-fast", "make install", "make help"])
def test_each_make_target_that_is_named_exists(command: str) -> None:
    """Looked up, not run: `make test` is what runs this."""
    documented = README + (ROOT / "CONTRIBUTING.md").read_text()
    assert command in documented
    subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_each_prop_is_documented() -> None:
    """In the table of props, and no other."""
    signature = inspect.signature(PartnerAccount.__init__)
    props = {name for name, parameter in signature.parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    documented = {name for row in first_cells("Props") for name in re.findall(r"`(\w+)`", row[0])}
    assert documented == props


def test_the_table_of_permissions_is_that_of_the_code() -> None:
    """Each statement's Sid and actions; nothing that isn't granted, nothing left out."""
    documented = {
        row[0].strip("`"): set(re.findall(r"`([\w:]+)`", row[1])) for row in first_cells("What the function may do")
    }
    assert documented == {permission.sid: set(permission.actions) for permission in granted()}


MEANING = (ROOT / "docs" / "what-it-means.md").read_text()


def test_that_an_aws_partner_must_migrate_stands_before_the_real_deployment() -> None:
    """Where nobody can miss it: in the README's section on a real account, before its first command, with the page."""
    section = README.split("## On a real account\n", 1)[1]
    before = section.split("```", 1)[0]
    assert "an AWS Partner must migrate instead" in before
    assert "docs/what-it-means.md" in before
    deploy = section.index("npx cdk deploy --all -c catalog=AWS")
    assert "company_is_new_to_apn=true" in section[deploy : section.index("```", deploy)]


def test_each_statement_about_the_act_names_a_page_of_aws() -> None:
    """Each page that is named has its address on AWS's documentation site, and none is listed that no text names."""
    addresses = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", MEANING, re.MULTILINE))
    text = re.sub(r"^\[[^\]]+\]: .*$", "", MEANING, flags=re.MULTILINE).split("## AWS's pages")[0]
    assert set(re.findall(r"\[([^\]]+)\](?![(:])", text)) == addresses.keys()
    assert all(url.startswith("https://docs.aws.amazon.com/partner-central/") for url in addresses.values())
