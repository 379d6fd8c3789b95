"""From an empty directory to a partner: the commands of the README's quick start, then of the tutorial, unchanged.

They run on the local AWS, in one terminal, and in the order of the pages.
"""

from __future__ import annotations

import re
import subprocess
import sysconfig
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from partner_account_rehearsal.cdk import QUIET
from partner_account_rehearsal.local_aws import LocalAws, local_aws
from tests.e2e.account import ROOT, path_with_locked_cdk

# Ten processes of cdk, and three more that install the app and its tools.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def blocks(page: str, language: str) -> list[str]:
    """The code of one language in a page, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    """A local AWS whose account isn't verified yet."""
    with local_aws(verified=False) as aws:
        yield aws


class Terminal:
    """The one terminal that a reader has: what is exported in one block holds in the next."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        (folder / "home").mkdir()
        (folder / "home/cdk-partner-account").symlink_to(ROOT)
        self.folder = folder / "alliances"
        self.folder.mkdir()
        own = {
            "HOME": str(folder / "home"),
            "PATH": path_with_locked_cdk(aws.environment["PATH"]),
            **QUIET,
            "CDK_NOTICES": "false",
            "CDK_REQUIRE_APPROVAL": "never",  # no reader sits here to approve of the changes
            "CDK_VALIDATION": "false",
            # What pip would download is borrowed from this environment.
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # which says: no isolation
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        self._environment = {**aws.environment, **own}
        self._before = ""

    def run(self, block: str, typed: str = "") -> str:
        """Runs a block of commands; what it prints."""
        done = subprocess.run(
            ["bash", "-euc", self._before + block],
            cwd=self.folder,
            env=self._environment,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        self._before += "".join(re.findall(r"^(?:export|source) .*\n", block, re.MULTILINE))
        return done.stdout

    def borrow_packages(self) -> None:
        """Have the app's environment find the packages of this one, but for this project itself.

        Python ignores the `.pth` files of a folder that a `.pth` file names, the editable install's among them.
        """
        (packages,) = (self.folder / ".venv").glob("lib/python*/site-packages")
        (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")


def test_commands_of_quick_start_and_tutorial_create_a_partner_in_each_catalog(aws: LocalAws, tmp_path: Path) -> None:
    """Init, install, rehearse, deploy to the Sandbox, change it; verify, store the code, check, deploy, compare."""
    install, rehearse, deploy = blocks("README.md", "sh")
    show, change, verify, wait, request, store, check, deploy_for_real, compare = blocks("docs/tutorial.md", "sh")
    terminal = Terminal(aws, tmp_path)
    app = terminal.folder / "app.py"

    init, rest = install.split("\n", 1)
    assert "Initializing a new git repository" in terminal.run(init)
    terminal.borrow_packages()
    assert "Successfully installed cdk-partner-account" in terminal.run(rest)
    app.write_text(blocks("README.md", "python")[0])
    rehearsed = terminal.run(rehearse)
    assert "one partner account was created, and no other." in rehearsed
    assert "Example Corp <account ID>" in rehearsed
    assert "(ValidationException REQUEST_VALIDATION_FAILED; expected: the Sandbox may refuse tags)" in rehearsed
    assert "undone" not in rehearsed, "the Sandbox binds nobody"
    assert "AlliancesSandbox.PartnerArn = " in terminal.run(deploy)

    assert "Example Corp" in terminal.run(show)
    app.write_text(app.read_text().replace('last_name="Doe"', 'last_name="Roe"'))
    terminal.run(change)
    sandbox_partner = {"Catalog": "Sandbox", "Identifier": partners_of(aws, "Sandbox")[0]["Arn"]}
    contact = aws.client("partnercentral-account").get_alliance_lead_contact(**sandbox_partner)
    assert contact["AllianceLeadContact"]["LastName"] == "Roe"

    for url in re.findall(r"http://\S+", terminal.run(verify)):
        urllib.request.urlopen(url).close()  # noqa: S310 - a human follows the simulator's URL
    # AWS verifies the business by itself, but not before somebody has looked once.
    aws.client("partnercentral-account").get_verification(VerificationType="BUSINESS_VERIFICATION")
    assert terminal.run(wait).count("SUCCEEDED") == 2

    terminal.run(request)
    terminal.run(store, typed=aws.partner_central.outbox()[-1].code)
    assert "failed" not in terminal.run(check)
    app.write_text(blocks("docs/props.md", "python")[0])
    assert "Alliances.PartnerArn = " in terminal.run(deploy_for_real)
    assert "same" in terminal.run(compare)
    assert [len(partners_of(aws, catalog)) for catalog in ("AWS", "Sandbox")] == [1, 1]


def partners_of(aws: LocalAws, catalog: str) -> list[Any]:
    """What the account has in a catalog."""
    found: list[Any] = aws.client("partnercentral-account").list_partners(Catalog=catalog)["PartnerSummaryList"]
    return found
