"""The steps of a rehearsal, and what each must come to. How they are told and recorded, `step_runner` knows."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.assembly import Assembly, Stack
from partner_account_rehearsal.cdk import Cdk
from partner_account_rehearsal.faults import ROLLBACK, WRONG_CODE, Fault, failing_copy
from partner_account_rehearsal.limits import obstacles
from partner_account_rehearsal.local_aws import ACCOUNT, REGION, LocalAws
from partner_account_rehearsal.partners import CATALOGS, SANDBOX, ManagedPartner, partners_of
from partner_account_rehearsal.report import RehearsalReport, StepReport, created_accounts
from partner_account_rehearsal.stand_ins import describe, find_stand_ins, replace_by_stand_ins
from partner_account_rehearsal.step_runner import StepRunner
from partner_account_rehearsal.terminal import Reporter
from partner_account_rehearsal.verification_codes import find_location, request_code, store_code


@dataclass(frozen=True)
class Options:
    """What is to be rehearsed.

    Attributes:
        folder: the app's directory.
        stacks: patterns of the stacks' ids, as the CLI takes them.
        app: the command that runs the app, or a directory with its cloud assembly; empty for what its `cdk.json` says.
        context: values of the app's context, each `name=value`.
        parameters: CloudFormation parameters, each `name=value` or `stack:name=value`.
        fault: what goes wrong in the first deployment.
        keep: whether the stacks stay, and are not destroyed in the end.
        readings: the report of `partner-account probe` by which Partner Central is simulated.
        stand_in: types or paths of resources that are not rehearsed.
    """

    folder: Path
    stacks: Sequence[str]
    app: str = ""
    context: Sequence[str] = ()
    parameters: Sequence[str] = ()
    fault: Fault | None = None
    keep: bool = False
    readings: Path | None = None
    stand_in: Sequence[str] = ()


class Rehearsal:
    """One rehearsal on a local AWS that nobody else uses."""

    def __init__(
        self,
        options: Options,
        aws: LocalAws,
        environment: Mapping[str, str],
        reporter: Reporter,
        report: RehearsalReport,
    ) -> None:
        """Prepare to record into `report`; `environment` is what the app gets."""
        self._options = options
        self._aws = aws
        self._reporter = reporter
        self._report = report
        self._environment = environment
        self._runner = StepRunner(aws, self._cdk(), reporter, report)
        self._assembly = Assembly(aws.folder / "cdk.out")
        self._partners: list[ManagedPartner] = []
        self._deployed: set[str] = set()
        self._code_parameters: list[str] = []
        self._outputs_file = aws.folder / "outputs.json"

    def run(self) -> None:
        """Go through all steps.

        Raises:
            RehearsalError: a step failed, or did something else than it should.
        """
        self._synthesize()
        self._describe()
        self._bootstrap()
        self._prepare_codes()
        self._deploy()
        self._deploy_again()
        if not self._options.keep:
            self._destroy()
        self._report.note_used(self._aws.used_statements())

    # What would be created

    def _synthesize(self) -> None:
        with self._runner.step("synthesize", "Synthesize the app (cdk synth)"):
            if self._options.app and (made := self._options.folder / self._options.app).is_dir():
                Assembly(made).copy_to(self._assembly.folder)
            else:
                app = ("--app", self._options.app) if self._options.app else ()
                context = [word for value in self._options.context for word in ("--context", value)]
                # A lookup would be answered by an empty account, and remembered in the user's cdk.context.json.
                self._runner.run("synth", "--quiet", "--lookups=false", *app, *context)
            self._read_assembly(self._selected_stacks())
            if reasons := [*obstacles(self._assembly.stacks, self._partners, self._options.fault)]:
                raise RehearsalError("; ".join(reasons))
            self._select_account()

    def _read_assembly(self, selected: tuple[str, ...]) -> None:
        self._assembly = Assembly(self._assembly.folder, selected)
        self._partners = partners_of(self._assembly.stacks)

    def _selected_stacks(self) -> tuple[str, ...]:
        patterns = self._options.stacks or ["**"]
        app = str(self._assembly.folder)
        listed = self._cdk().run("list", *patterns, "--show-dependencies", "--json", "--app", app)
        # The CLI's warnings stand before it.
        found = re.search(r"^\[$.*", listed.output, re.MULTILINE | re.DOTALL)
        if listed.exit_code or not found:
            raise RehearsalError(f"no stack matches {' '.join(patterns)}: `cdk list` shows their names")
        return tuple(stack["id"].partition(" (")[0] for stack in json.loads(found[0]))

    def _select_account(self) -> None:
        """Be the account that the app is for."""
        stacks = self._assembly.stacks
        account = next((stack.account for stack in stacks if stack.account), ACCOUNT)
        self._aws = self._aws.at(REGION, account)
        self._environment = {**self._environment, "AWS_ACCESS_KEY_ID": account}
        self._runner.select_account(self._aws, self._cdk(), stacks)

    def _describe(self) -> None:
        self._report.describe(self._assembly.stacks, self._partners, self._options.fault)
        cloudformation = self._aws.client("cloudformation")
        stand_ins = find_stand_ins(self._assembly.stacks, cloudformation, self._options.stand_in)
        self._report.not_rehearsed = describe(stand_ins)
        self._reporter.preview(self._report)
        replace_by_stand_ins(resource for resource, _ in stand_ins)
        self._read_assembly(self._assembly.selected)

    # What comes before a deployment

    def _bootstrap(self) -> None:
        stacks = self._assembly.stacks
        environments = sorted({f"aws://{self._aws.account}/{stack.region or REGION}" for stack in stacks})
        with self._runner.step("bootstrap", "Prepare the account for CDK (cdk bootstrap)"):
            self._runner.run("bootstrap", *environments, "--app", str(self._assembly.folder))

    def _prepare_codes(self) -> None:
        for partner in self._partners:
            self._deploy_dependencies(partner.stack)
        if any(partner.needs_code for partner in self._partners):
            with self._runner.step(
                "store-codes", "Request the verification code, and store it where the app looks for it"
            ):
                self._store_codes(wrong=self._options.fault is WRONG_CODE)

    def _deploy_dependencies(self, stack: Stack) -> None:
        """Deploy the stacks that may make the place for the code, or tell its name."""
        of_partners = {partner.stack.id for partner in self._partners}
        stacks = [one for one in self._assembly.dependencies_of(stack) if one not in of_partners | self._deployed]
        if stacks:
            with self._runner.step(
                "deploy-dependencies", f"Deploy what comes first: {', '.join(stacks)} (cdk deploy)"
            ) as step:
                self._runner.run(*self._deploy_command(self._assembly, stacks))
                expect_equal("the requests that change something", step.changes, [])
            self._deployed.update(stacks)

    def _store_codes(self, *, wrong: bool = False) -> None:
        self._code_parameters = []
        pairs = (parameter.partition("=") for parameter in self._options.parameters)
        values = {name.rpartition(":")[2]: value for name, _, value in pairs}
        for partner in (one for one in self._partners if one.needs_code):
            aws = self._aws.at(partner.stack.region or REGION)
            if (location := find_location(partner, aws, values)) is None:
                self._reporter.line(f"{partner.path}: its own stack makes {partner.code_source}: nothing is stored")
                continue
            code = request_code(location, partner.catalog, aws)
            self._runner.record_events()
            if wrong:
                code = f"{(int(code) + 1) % 1_000_000:06}"
            if location.source == "Parameter":
                self._code_parameters += ["--parameters", f"{partner.stack.name}:{location.name}={code}"]
            else:
                store_code(code, location, aws)
            for described in self._report.partners:
                if described.path == partner.path:
                    described.verification_code = str(location)
            self._reporter.line(f"{partner.path}: {location} has {'another one' if wrong else 'it'} now")

    # The deployments

    def _deploy(self) -> None:
        fault, created = self._options.fault, created_accounts(len(self._partners))
        if fault is None:
            expect_created(self._deploy_all("deploy", "Create the partner account (cdk deploy)"), self._partners)
            shown = f"Deployed: {created}, and no other."
        else:
            self._deploy_during(fault)
            course = "deployed all the same" if fault.survived else "rolled back, then deployed"
            shown = f"Fault {fault.name} ({fault.meaning}): {course}; {created} in all, and no other."
        self._expect_each_partner_once()
        self._report.results.append(shown)

    def _deploy_during(self, fault: Fault) -> None:
        assembly = self._assembly
        if fault is ROLLBACK:
            assembly = failing_copy(assembly, self._partners, self._aws.folder / "cdk.out.failing")
        for order in fault.orders:
            self._aws.partner_central.order_fault(order)
        with self._runner.step(
            "deploy-with-fault", f"Deploy while {fault.meaning} (cdk deploy)", meets_fault=True
        ) as step:
            if fault.takes:
                self._reporter.line(f"This takes {fault.takes}.")
            result = self._runner.attempt(*self._deploy_command(assembly, assembly.selected), *self._code_parameters)
            ending = "success" if result.exit_code == 0 else "a rollback" if step.rolled_back else "a failure"
            if ending != (expected := "success" if fault.survived else "a rollback"):
                reason = f": {self._runner.reason(result)}" if result.exit_code else ""
                raise RehearsalError(f"the deployment should end in {expected}, but ended in {ending}{reason}")
            if fault.orders and not any(request.failed for request in step.requests):
                raise RehearsalError("the deployment never met the fault: it didn't ask Partner Central")
        self._aws.partner_central.clear_faults()
        if fault.survived:
            self._read_outputs()
        else:
            self._recover(fault)

    def _recover(self, fault: Fault) -> None:
        self._runner.disable_termination_protection([stack.name for stack in self._assembly.stacks])
        if fault is WRONG_CODE:
            with self._runner.step("store-other-codes", "Request another code, and store that one"):
                self._store_codes()
        self._deploy_all("deploy-after-fault", "Deploy again, without the fault (cdk deploy)")

    def _deploy_all(self, step_id: str, title: str) -> StepReport:
        with self._runner.step(step_id, title) as step:
            command = self._deploy_command(self._assembly, self._assembly.selected)
            self._runner.run(*command, *self._code_parameters)
            self._read_outputs()
        return step

    def _deploy_again(self) -> None:
        before = self._report.outputs
        with self._runner.step("deploy-unchanged", "Deploy again, with nothing changed (cdk deploy)") as step:
            self._runner.run(*self._deploy_command(self._assembly, self._assembly.selected))
            self._read_outputs()
            expect_equal("the requests that change something", step.changes, [])
            expect_equal("the outputs", self._report.outputs, before)
        self._report.results.append("Deployed again with nothing changed: Partner Central was asked to change nothing.")

    def _destroy(self) -> None:
        with self._runner.step("destroy", "Destroy the stacks (cdk destroy)") as step:
            self._runner.disable_termination_protection([stack.name for stack in self._assembly.stacks])
            app = ("--app", str(self._assembly.folder))
            self._runner.run("destroy", *self._assembly.selected, "--exclusively", "--force", *app)
            self._reporter.line(f"{', '.join(self._expect_each_partner_once())}: still there, as it was")
            expect_equal("the requests that change something", step.changes, [])
        self._report.results.append("Destroyed: the stacks are gone, and the partner account is as it was.")

    def _cdk(self) -> Cdk:
        return Cdk(self._options.folder, self._aws.folder, self._environment)

    def _deploy_command(self, assembly: Assembly, stacks: Sequence[str]) -> list[str]:
        parameters = [word for value in self._options.parameters for word in ("--parameters", value)]
        options = ("--require-approval", "never", "--outputs-file", str(self._outputs_file))
        return ["deploy", *stacks, "--exclusively", "--app", str(assembly.folder), *options, *parameters]

    def _read_outputs(self) -> None:
        self._report.outputs = json.loads(self._outputs_file.read_text("utf-8"))

    def _expect_each_partner_once(self) -> list[str]:
        """The ids of the account's partners; there is one for each that the app has, and no other."""
        ids: list[str] = []
        expected = Counter(partner.catalog for partner in self._partners)
        for catalog in CATALOGS:
            pages = self._aws.client("partnercentral-account").get_paginator("list_partners").paginate(Catalog=catalog)
            found = [partner["Id"] for page in pages for partner in page["PartnerSummaryList"]]
            expect_equal(f"the number of partners in catalog {catalog}", len(found), expected[catalog])
            ids += found
        self._runner.skip_own_requests()
        return ids


def expect_equal(what: str, found: object, expected: object) -> None:
    """Refuse to go on with a rehearsal that did something else than it should."""
    if found != expected:
        raise RehearsalError(f"{what} should be {expected}, but is {found}")


def expect_created(step: StepReport, partners: Sequence[ManagedPartner]) -> None:
    """Refuse to go on if the step changed anything but to create each partner once."""
    changes = step.changes
    for partner in partners:
        # CreatePartner takes no tags there: the function tries its ownership tag afterwards, and needn't succeed.
        if partner.catalog == SANDBOX and "TagResource" in changes:
            changes.remove("TagResource")
    expect_equal("the requests that change something", changes, ["CreatePartner"] * len(partners))
