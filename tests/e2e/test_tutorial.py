"""The tutorial's way to a partner, walked on the local AWS: its commands as they stand, in their order."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from partner_account_rehearsal.local_aws import LocalAws, local_aws

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs/tutorial.md").read_text("utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    """A local AWS whose account nobody has verified yet."""
    with local_aws(verified=False) as aws:
        yield aws


class Terminal:
    """The one terminal that a reader has: what is exported in one block holds in the next."""

    def __init__(self, aws: LocalAws) -> None:
        # No reader sits here to approve of the changes, and the checkout stays as it is.
        own = {"CDK_REQUIRE_APPROVAL": "never", "CDK_OUTPUT": str(aws.folder / "cdk.out")}
        self._environment = {**aws.environment, **own}
        self._before = ""

    def run(self, block: str, typed: str = "") -> str:
        """Runs a block of commands; what it prints."""
        done = subprocess.run(
            ["bash", "-euc", self._before + block],
            cwd=ROOT,
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


def test_commands_of_the_tutorial_make_a_partner_in_the_sandbox_and_one_for_real(aws: LocalAws) -> None:
    """Install, deploy to the Sandbox, change it, verify, request the code, store it, check, deploy, compare.

    What `make demo` runs, tests/e2e/test_rehearse.py runs.
    """
    install, demo, sandbox, change, verify, wait, request, store, check, deploy, compare = COMMANDS
    terminal = Terminal(aws)
    terminal.run(install)
    assert demo == "make demo\n"
    assert "PartnerReaderSandbox.Arn = " in terminal.run(sandbox)
    assert "Example Corp" in terminal.run(change)
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
    assert "PartnerReader.Arn = " in terminal.run(deploy)
    assert "same" in terminal.run(compare)
    assert [len(partners_of(aws, catalog)) for catalog in ("AWS", "Sandbox")] == [1, 1]


def partners_of(aws: LocalAws, catalog: str) -> list[Any]:
    """What the account has in a catalog."""
    found: list[Any] = aws.client("partnercentral-account").list_partners(Catalog=catalog)["PartnerSummaryList"]
    return found
