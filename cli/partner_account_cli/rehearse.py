"""`partner-account rehearse`: its options, and its outcome. What it needs is imported when it runs."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from partner_account_cli.errors import CommandError, require_posix
from partner_account_cli.options import debug_option, output_option, readings_option
from partner_account_rehearsal.faults import FAULTS


def _require_pairs(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value.find("=") < 1:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE.")
    return values


@click.command(
    epilog="Requires Linux or macOS, the extra `local-aws` and the cdk CLI; no AWS account, no Docker. Nothing leaves "
    "this machine. Account and region are those of the app."
)
@click.argument("stacks", nargs=-1)
@click.option(
    "-a", "--app", default="", help="The command that runs the app, or its cloud assembly. [default: from cdk.json]"
)
@click.option(
    "-c",
    "--context",
    multiple=True,
    callback=_require_pairs,
    metavar="NAME=VALUE",
    help="A context value of the app; repeatable.",
)
@click.option(
    "--parameters",
    multiple=True,
    callback=_require_pairs,
    metavar="[STACK:]NAME=VALUE",
    help="A CloudFormation parameter; repeatable.",
)
@click.option(
    "--ssm-parameter",
    "ssm_parameters",
    multiple=True,
    callback=_require_pairs,
    metavar="NAME=VALUE",
    help="An SSM parameter that exists in the account; repeatable.",
)
@click.option(
    "--stand-in",
    "stand_in",
    multiple=True,
    metavar="PATTERN",
    help="Rehearse without the resources of this type or construct path; repeatable.",
)
@click.option(
    "--from",
    "deployed",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="First deploy this cloud assembly: the one that is deployed now.",
)
@click.option(
    "--fault",
    type=click.Choice(list(FAULTS), case_sensitive=False),
    callback=lambda _context, _option, name: FAULTS.get(name),
    metavar="NAME",
    help="The fault to inject into the first deployment: one of those above.",
)
@readings_option
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report as JSON.")
@click.option(
    "--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report as one HTML page."
)
@click.option("--overwrite", is_flag=True, help="Let --json and --html replace a file that is not an earlier report.")
@click.option("--keep", is_flag=True, help="Destroy nothing, leave the local AWS running, and print how to use it.")
@click.option(
    "--stop",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Rehearse nothing: stop the local AWS that --keep left in this folder.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show all output of cdk, and each event of each resource.")
@output_option
@debug_option
def rehearse(
    *,
    json_file: Path | None,
    html_file: Path | None,
    overwrite: bool,
    output: str,
    verbose: bool,
    stop: Path | None,
    **rehearsed: Any,
) -> None:
    """Deploy your CDK app on this machine before you deploy it to AWS.

    A local AWS and a simulated Partner Central replace the real ones: the app in this directory is synthesized,
    deployed, deployed again and destroyed. STACKS are patterns as for `cdk deploy`; by default, all stacks.

    \b
    Faults: rollback, wrong-code, throttle, cut, answer-lost, access-denied,
    review-fails, review-takes-days.
    """  # noqa: D301 - click leaves the lines below \b as they are
    require_posix("partner-account rehearse")
    from partner_account_rehearsal.local_aws import stop_kept  # noqa: PLC0415 - slow to import
    from partner_account_rehearsal.processes import ProcessError  # noqa: PLC0415
    from partner_account_rehearsal.run import ReportFiles, run  # noqa: PLC0415
    from partner_account_rehearsal.steps import Options  # noqa: PLC0415

    if stop:
        context = click.get_current_context()
        if others := [
            parameter.opts[0]
            for parameter in context.command.params
            if parameter.name not in {"stop", "debug"}
            and context.params.get(str(parameter.name))
            and context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        ]:
            raise click.UsageError(f"--stop rehearses nothing: omit {', '.join(others)}.")
        try:
            stop_kept(stop)
        except ProcessError as error:
            raise CommandError(str(error)) from None
        click.echo(f"Stopped the local AWS, and removed {stop}")
        return
    files = ReportFiles(json_file, html_file, overwrite=overwrite)
    if problem := files.problem():
        raise click.UsageError(problem)
    if problem := run(Options(Path.cwd(), **rehearsed), files, verbose=verbose, json_to_stdout=output == "json"):
        raise CommandError(problem)
