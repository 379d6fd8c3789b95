"""`partner-account probe`: probes the real service, in the Sandbox, for behavior that AWS doesn't document.

The simulator's contract has the questions, and reads the replies; this command announces, confirms and reports them.
"""

import json
import shlex
import sys
from pathlib import Path

import click
from botocore.exceptions import BotoCoreError, ClientError

from partner_account_cli import rendering
from partner_account_cli.aws import Access, require_whole_answer
from partner_account_cli.errors import CommandError
from partner_account_cli.options import aws_options, email_option, output_option
from partner_account_handler.service import SERVICE_REGION
from partner_central_simulator import contract
from partner_central_simulator.contract import ContractReport, Status

_STYLES = {
    Status.DOCUMENTED: rendering.GOOD,
    Status.DIFFERS: rendering.BAD,
    Status.FOUND: rendering.GOOD,
    Status.UNDECIDED: rendering.OPEN,
    Status.NOT_ASKED: rendering.OPEN,
    Status.NOT_IN_SANDBOX: rendering.FAINT,
}


@click.command()
@click.option("--yes", is_flag=True, help="Create the Sandbox partner without confirmation.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report to this new file, for --readings of `simulator start` and `rehearse`.",
)
@email_option(
    "The alliance lead contact's address. The Sandbox sends no e-mail.",
    default="alliance-lead@example.com",
    show_default=True,
)
@click.option(
    "--logo-url",
    metavar="URL",
    default=contract.LOGO_URL,
    show_default=True,
    help="The logo of the partner's profile: an image at an https URL. AWS may refuse the default.",
)
@click.option(
    "--wait",
    metavar="SECONDS",
    type=click.IntRange(0, 3600),
    default=200,
    show_default=True,
    help="When a client token is sent again, after its first use.",
)
@click.option(
    "--pause",
    metavar="SECONDS",
    type=click.FloatRange(0, 60),
    default=1,
    show_default=True,
    help="The time between two calls.",
)
@click.option(
    "--read-timeout",
    metavar="SECONDS",
    type=click.FloatRange(0.1, 300),
    default=30,
    show_default=True,
    help="How long to wait for a response.",
)
@output_option
@aws_options("Partner Central")
def probe(
    access: Access,
    *,
    yes: bool,
    json_file: Path | None,
    email: str,
    logo_url: str,
    wait: int,
    pause: float,
    read_timeout: float,
    output: str,
) -> None:
    """Probe the Sandbox for behavior that AWS doesn't document.

    It calls Partner Central in catalog Sandbox only, at most 60 times, and creates a partner there: two if the Sandbox
    lets an account have several. A partner can't be deleted. It creates that partner's profile with three of the ten
    tasks a day, and leaves it private. It stops when it is throttled, denied or gets no response.

    The report has no account id, name or address. The exit status is 0 if all questions were asked, and 1 if it had to
    stop.
    """
    if json_file:
        _require_new(json_file)
    access.conceal(email)
    client = access.partner_central(contract.client_config(read_timeout))
    # An incomplete response is itself a finding, which the contract evaluates.
    client.meta.events.unregister("after-call", require_whole_answer)
    sandbox = contract.Sandbox(client, pause=pause)
    run = contract.ContractRun(sandbox, email=email, logo_url=logo_url, wait=wait)
    try:
        with rendering.working("Listing the Sandbox's partners"):
            existing = run.count_existing()
    except contract.StoppedError as stop:
        if isinstance(stop.__cause__, BotoCoreError):  # no credentials, no network: reported as by the other commands
            raise stop.__cause__ from None
        raise CommandError(f"nothing was created: {stop}", stop.remedy) from stop
    _confirm(access, sandbox.endpoint, existing, yes=yes)
    findings = run.findings()
    try:
        while True:
            with rendering.working(f"Calling Partner Central (up to {wait} s to send a token again)"):
                finding = next(findings, None)
            if finding is None:
                break
            if output == "text":
                text = "{Question} {Answer}".format_map(finding.document())
                rendering.say(text, _STYLES.get(finding.status, ""), label=finding.status, width=max(map(len, Status)))
    except contract.StoppedError as stop:
        raise CommandError(f"stopped early: {stop}", stop.remedy) from stop
    except KeyboardInterrupt:
        run.report.stopped = "interrupted"
        raise
    finally:
        _write_report(run.report, json_file, output)


def _require_new(file: Path) -> None:
    try:
        file.touch(exist_ok=False)
        file.unlink()
    except FileExistsError:
        raise click.UsageError(f"{file} exists: use another file, since each report is kept.") from None
    except OSError as error:
        happened = f"{file} can't be written ({error.strerror})"
        raise click.UsageError(f"{happened}: use a file in a directory of yours.") from None


def _confirm(access: Access, endpoint: str, existing: int, *, yes: bool) -> None:
    try:
        with rendering.working("Identifying the account"):
            account = f"Account {access.client('sts', SERVICE_REGION).get_caller_identity()['Account']}"
    except (BotoCoreError, ClientError, CommandError):  # it only helps to notice the wrong account
        account = "An account that AWS STS doesn't identify"
    rendering.note(f"{account}, catalog Sandbox at {endpoint}, with {existing} partners so far.")
    rendering.note(
        "This creates a partner there, two if the Sandbox allows several. Nobody can delete them; AWS refreshes the "
        "Sandbox about once a year. Three of the ten tasks a day create its profile, which may be public for seconds "
        "and is private in the end. Catalog AWS is not touched. It costs nothing."
    )
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("creating a Sandbox partner needs confirmation, and there is no terminal", "Add --yes.")
    click.confirm("Continue?", abort=True, err=True)


def _write_report(report: ContractReport, file: Path | None, output: str) -> None:
    document = report.document()
    if file:
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
        rendering.note(f"The report is in {file}")
        if report.readings:
            rendering.note(
                f"Rehearse with these readings: partner-account rehearse --readings {shlex.quote(str(file))}"
            )
    if output == "json":
        rendering.document(document)
    else:
        created = report.partners_created
        rendering.say(
            f"{len(report.readings)} readings found with {report.calls} calls in {report.seconds:.0f} s; "
            f"partners created: {'unknown' if created is None else created}; endpoint: {report.endpoint}"
        )
