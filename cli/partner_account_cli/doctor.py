"""`partner-account doctor`: whether a partner account can be deployed; it asks, and changes nothing."""

from collections.abc import Sequence

import click

from partner_account_cli import rendering
from partner_account_cli.aws import Access, aws_options, pass_access
from partner_account_cli.checks import Examination
from partner_account_cli.code_store import CodeStore, store_options
from partner_account_cli.findings import Finding, Verdict
from partner_account_cli.options import catalog_option, output_option

_STYLES = {Verdict.PASSED: rendering.GOOD, Verdict.FAILED: rendering.BAD, Verdict.UNKNOWN: rendering.OPEN}


@click.command()
@catalog_option
@store_options
@click.option("--email", metavar="ADDRESS", help="The alliance lead contact's address, to judge whose it looks like.")
@output_option
@aws_options("Partner Central")
@pass_access
def doctor(access: Access, *, catalog: str, store: CodeStore | None, email: str | None, output: str) -> int:
    """Check whether a partner account can be deployed.

    Each check has passed, has failed, or could not find out (unknown). Nothing is created or changed. The exit status
    is 1 if a check has failed, otherwise 0. In catalog AWS, what no call tells is asked in the end.
    """
    findings = []
    examination = Examination(access, catalog, store, email)
    for name, check in examination.checks():
        with rendering.working(f"Checking {name}"):
            finding = check()
        findings.append((name, finding))
        if output == "text":
            _tell(access, name, finding)
    questions = list(examination.questions())
    if output == "json":
        checks = [_members(access, *found) for found in findings]
        rendering.document({"Catalog": catalog, "Checks": checks, "Questions": questions})
    elif questions:
        rendering.say("No call tells, and creating a partner can't be undone. Before you deploy:")
        for question in questions:
            rendering.verdict("ask", rendering.OPEN, question)
    return _status([finding.verdict for _, finding in findings])


def _tell(access: Access, name: str, finding: Finding) -> None:
    told = f"{name}: {access.without_secrets(finding.told)}"
    rendering.verdict(finding.verdict, _STYLES[finding.verdict], *filter(None, (told, finding.remedy)))
    if finding.link:  # a link that goes over several lines must stay one
        rendering.say(f"         {finding.link}")


def _members(access: Access, name: str, finding: Finding) -> dict[str, str]:
    told = {
        "Check": name,
        "Status": str(finding.verdict),
        "Finding": access.without_secrets(finding.told),
        "CompletionUrl": finding.link,
        "Remedy": finding.remedy,
    }
    return {member: value for member, value in told.items() if value}


def _status(verdicts: Sequence[Verdict]) -> int:
    return 1 if Verdict.FAILED in verdicts else 0
