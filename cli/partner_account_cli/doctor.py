"""`partner-account doctor`: whether a partner account can be deployed; it asks, and changes nothing."""

import click

from partner_account_cli import rendering
from partner_account_cli.aws import Access, aws_options, pass_access
from partner_account_cli.checks import CheckStatus, DoctorRun
from partner_account_cli.code_store import CodeStore, store_options
from partner_account_cli.options import catalog_option, output_option

_STYLES = {CheckStatus.PASSED: rendering.GOOD, CheckStatus.FAILED: rendering.BAD, CheckStatus.UNKNOWN: rendering.OPEN}


@click.command()
@catalog_option
@store_options
@click.option(
    "--email", metavar="ADDRESS", help="The alliance lead contact's address: is it a shared alias, or a person's?"
)
@output_option
@aws_options("Partner Central")
@pass_access
def doctor(access: Access, *, catalog: str, store: CodeStore | None, email: str | None, output: str) -> int:
    """Check whether a partner account can be deployed.

    Each check has passed, has failed, or could not find out (unknown). Nothing is created or changed. The exit status
    is 1 if a check has failed, otherwise 0. In catalog AWS, what no call tells is asked in the end.
    """
    run = DoctorRun(access, catalog, store, email)
    findings = []
    for name, check in run.checks():
        with rendering.working(f"Checking {name}"):
            finding = check()
        findings.append((name, finding))
        if output == "text":
            text = f"{name}: {access.without_secrets(finding.text)}"
            rendering.verdict(finding.status, _STYLES[finding.status], *filter(None, (text, finding.remedy)))
            if finding.link:  # a link that goes over several lines must stay one
                rendering.say(f"         {finding.link}")
    questions = list(run.questions())
    if output == "json":
        checks = [
            {
                "Check": name,
                "Status": finding.status,
                "Finding": access.without_secrets(finding.text),
                **({"CompletionUrl": finding.link} if finding.link else {}),
                **({"Remedy": finding.remedy} if finding.remedy else {}),
            }
            for name, finding in findings
        ]
        rendering.document({"Catalog": catalog, "Checks": checks, "Questions": questions})
    elif questions:
        rendering.say("No call tells, and creating a partner can't be undone. Before you deploy:")
        for question in questions:
            rendering.verdict("ask", rendering.OPEN, question)
    return 1 if any(finding.status is CheckStatus.FAILED for _, finding in findings) else 0
