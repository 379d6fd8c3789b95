"""The steps of a rehearsal, and what each must come to. How they are told and recorded, `stage` knows."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from partner_account_rehearsal import RehearsalError, codes
from partner_account_rehearsal.assembly import Assembly, Stack
from partner_account_rehearsal.cdk import Cdk, Result
from partner_account_rehearsal.faults import ROLLBACK, WRONG_CODE, Fault, failing_copy
from partner_account_rehearsal.local_aws import ACCOUNT, REGION, LocalAws
from partner_account_rehearsal.narration import Narrator
from partner_account_rehearsal.partners import Partner, partners_of
from partner_account_rehearsal.paths import Paths
from partner_account_rehearsal.refusals import refusals
from partner_account_rehearsal.report import Report, StepReport
from partner_account_rehearsal.stage import Stage
from partner_account_rehearsal.stand_ins import put_stand_ins, unsupported_in
from partner_account_rehearsal.terminal import preview

CATALOGS = ("AWS", codes.SANDBOX)


@dataclass(frozen=True)
class Wanted:
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
    """

    folder: Path
    stacks: Sequence[str]
    app: str = ""
    context: Sequence[str] = ()
    parameters: Sequence[str] = ()
    fault: Fault | None = None
    keep: bool = False
    readings: Path | None = None


class Rehearsal:
    """One rehearsal on a local AWS that nobody else uses."""

    def __init__(
        self, wanted: Wanted, aws: LocalAws, environment: Mapping[str, str], narrator: Narrator, report: Report
    ) -> None:
        """Prepare to record into `report`; `environment` is what the app gets."""
        self._wanted = wanted
        self._aws = aws
        self._narrator = narrator
        self._report = report
        self._environment = environment
        self._stage = Stage(aws, self._cdk(), narrator, report)
        self._assembly = Assembly(aws.folder / "cdk.out")
        self._partners: list[Partner] = []
        self._deployed: set[str] = set()
        self._code_parameters: list[str] = []
        self._outputs = aws.folder / "outputs.json"

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
        if not self._wanted.keep:
            self._destroy()
        self._report.note_used(self._aws.allowed())

    def _cdk(self) -> Cdk:
        return Cdk(self._wanted.folder, self._aws.folder, self._environment)

    # What would be created

    def _synthesize(self) -> None:
        with self._stage.step("Synthesize the app (cdk synth)", repeated=True):
            self._make_assembly()
            self._assembly = Assembly(self._assembly.folder, self._selected())
            self._partners = partners_of(self._assembly.stacks)
            if mistakes := [*refusals(self._assembly.stacks, self._partners, self._wanted.fault)]:
                raise RehearsalError("; ".join(mistakes))
            self._settle()

    def _make_assembly(self) -> None:
        """Run the app; an assembly that was made before is taken as it is."""
        if self._wanted.app and (made := self._wanted.folder / self._wanted.app).is_dir():
            Assembly(made).copy_to(self._assembly.folder)
            return
        app = ("--app", self._wanted.app) if self._wanted.app else ()
        context = [word for value in self._wanted.context for word in ("--context", value)]
        # A lookup would be answered by an empty account, and remembered in the user's cdk.context.json.
        self._stage.run("synth", "--quiet", "--lookups=false", *app, *context)

    def _selected(self) -> tuple[str, ...]:
        patterns = self._wanted.stacks or ["**"]
        app = str(self._assembly.folder)
        listed = self._cdk().run("list", *patterns, "--show-dependencies", "--json", "--app", app)
        # The CLI's warnings stand before it.
        found = re.search(r"^\[$.*", listed.output, re.MULTILINE | re.DOTALL)
        if listed.exit_code or not found:
            raise RehearsalError(f"no stack matches {' '.join(patterns)}: `cdk list` shows their names")
        return tuple(stack["id"].partition(" (")[0] for stack in json.loads(found[0]))

    def _settle(self) -> None:
        """Be the account that the app is for."""
        account = next((stack.account for stack in self._assembly.stacks if stack.account), ACCOUNT)
        self._aws = self._aws.at(account, REGION)
        self._environment = {**self._environment, "AWS_ACCESS_KEY_ID": account}
        stacks = self._assembly.stacks
        self._stage.move_to(self._aws, self._cdk(), {stack.region or REGION for stack in stacks}, Paths(stacks))

    def _describe(self) -> None:
        stacks = self._assembly.stacks
        self._report.describe(stacks, self._partners, self._wanted.fault)
        self._report.not_rehearsed = unsupported_in(self._assembly, self._aws.client("cloudformation"))
        preview(self._report, self._narrator)
        put_stand_ins(self._assembly, [one.type for one in self._report.not_rehearsed])
        self._assembly = Assembly(self._assembly.folder, self._assembly.selected)
        self._partners = partners_of(self._assembly.stacks)

    # What comes before a deployment

    def _bootstrap(self) -> None:
        account = self._aws.environment["AWS_ACCESS_KEY_ID"]
        places = sorted({f"aws://{account}/{stack.region or REGION}" for stack in self._assembly.stacks})
        with self._stage.step("Prepare the account for CDK (cdk bootstrap)"):
            self._stage.run("bootstrap", *places, "--app", str(self._assembly.folder))

    def _prepare_codes(self) -> None:
        for partner in self._partners:
            self._deploy_what_comes_before(partner.stack)
        with_code = [partner for partner in self._partners if codes.is_needed_by(partner)]
        if with_code:
            with self._stage.step("Request the verification code, and store it where the app looks for it"):
                self._store_codes(with_code, wrong=self._wanted.fault is WRONG_CODE)

    def _deploy_what_comes_before(self, stack: Stack) -> None:
        """Deploy the stacks that may make the place for the code, or tell its name."""
        of_partners = {partner.stack.id for partner in self._partners}
        before = [one for one in self._assembly.before(stack) if one not in of_partners | self._deployed]
        if before:
            with self._stage.step(f"Deploy what comes first: {', '.join(before)} (cdk deploy)") as step:
                self._stage.run(*self._deploy_command(self._assembly, before))
                expect_equal("the requests that change something", changes_in(step), [])
            self._deployed.update(before)

    def _store_codes(self, partners: Sequence[Partner], *, wrong: bool = False) -> None:
        self._code_parameters = []
        for partner in partners:
            aws = self._aws.at(self._aws.environment["AWS_ACCESS_KEY_ID"], partner.stack.region or REGION)
            if (place := codes.place_of(partner, aws, _by_name(self._wanted.parameters))) is None:
                self._narrator.tell(f"{partner.path}: its own stack makes {partner.code_in_words}: nothing is stored")
                continue
            code = codes.requested(place, partner.catalog, aws)
            self._stage.catch_up()
            self._keep_code(codes.wrong(code) if wrong else code, place, partner, aws)
            self._narrator.tell(f"{partner.path}: {place} has {'another one' if wrong else 'it'} now")

    def _keep_code(self, code: str, place: codes.Place, partner: Partner, aws: LocalAws) -> None:
        if place.kind == "Parameter":
            self._code_parameters.append(f"{partner.stack.name}:{place.name}={code}")
        else:
            codes.store(code, place, aws)
        for told in self._report.partners:
            if told.path == partner.path:
                told.verification_code = str(place)

    # The deployments

    def _deploy(self) -> None:
        fault = self._wanted.fault
        if fault is None:
            step = self._deploy_all("Create the partner account (cdk deploy)")
            expect_equal(
                "the requests that change something", changes_in(step), ["CreatePartner"] * len(self._partners)
            )
        else:
            self._deploy_during(fault)
        self._expect_each_partner_once()
        self._report.shown.append(_shown_by(fault, len(self._partners)))

    def _deploy_during(self, fault: Fault) -> None:
        assembly = self._assembly
        if fault is ROLLBACK:
            assembly = failing_copy(assembly, self._partners, self._aws.folder / "cdk.out.failing")
        for order in fault.orders:
            self._aws.partner_central.order_fault(order)
        with self._stage.step(f"Deploy while {fault.meaning} (cdk deploy)") as step:
            if fault.takes:
                self._narrator.tell(f"This takes {fault.takes}.")
            command = self._deploy_command(assembly, self._assembly.selected, *self._codes_as_parameters())
            result = self._stage.attempt(*command)
            wanted = "success" if fault.survived else "a rollback"
            expect_equal("the end of the deployment", _ending(result, step), wanted)
            if fault.orders and not any(request.failed for request in step.requests):
                raise RehearsalError("the deployment never met the fault: it didn't ask Partner Central")
        self._aws.partner_central.clear_faults()
        if fault.survived:
            self._read_outputs()
        else:
            self._recover(fault)

    def _names(self) -> list[str]:
        return [stack.name for stack in self._assembly.stacks]

    def _recover(self, fault: Fault) -> None:
        self._stage.lift_protection(self._names())
        if fault is WRONG_CODE:
            with self._stage.step("Request another code, and store that one"):
                self._store_codes([partner for partner in self._partners if codes.is_needed_by(partner)])
        self._deploy_all("Deploy again, without that trouble (cdk deploy)")

    def _deploy_all(self, title: str) -> StepReport:
        with self._stage.step(title) as step:
            command = self._deploy_command(self._assembly, self._assembly.selected, *self._codes_as_parameters())
            self._stage.run(*command)
            self._read_outputs()
        return step

    def _deploy_again(self) -> None:
        before = self._report.outputs
        with self._stage.step("Deploy again, with nothing changed (cdk deploy)") as step:
            self._stage.run(*self._deploy_command(self._assembly, self._assembly.selected))
            self._read_outputs()
            expect_equal("the requests that change something", changes_in(step), [])
            expect_equal("the outputs", self._report.outputs, before)
        self._report.shown.append("Deployed again with nothing changed: Partner Central was asked to change nothing.")

    def _destroy(self) -> None:
        with self._stage.step("Destroy the stacks (cdk destroy)") as step:
            self._stage.lift_protection(self._names())
            app = ("--app", str(self._assembly.folder))
            self._stage.run("destroy", *self._assembly.selected, "--exclusively", "--force", *app)
            self._narrator.tell(f"{', '.join(self._expect_each_partner_once())}: still there, nobody can delete it")
            expect_equal("the requests that change something", changes_in(step), [])
        self._report.shown.append("Destroyed: the stacks are gone, and the partner account is as it was.")

    def _deploy_command(self, assembly: Assembly, stacks: Sequence[str], *more: str) -> list[str]:
        given = [word for value in self._wanted.parameters for word in ("--parameters", value)]
        options = ("--require-approval", "never", "--outputs-file", str(self._outputs))
        return ["deploy", *stacks, "--exclusively", "--app", str(assembly.folder), *options, *given, *more]

    def _codes_as_parameters(self) -> list[str]:
        return [word for value in self._code_parameters for word in ("--parameters", value)]

    def _read_outputs(self) -> None:
        self._report.outputs = json.loads(self._outputs.read_text("utf-8"))

    def _expect_each_partner_once(self) -> list[str]:
        """The ids of the account's partners; there is one for each that the app has, and no other."""
        ids: list[str] = []
        wanted = Counter(partner.catalog for partner in self._partners)
        for catalog in CATALOGS:
            pages = self._aws.client("partnercentral-account").get_paginator("list_partners").paginate(Catalog=catalog)
            found = [partner["Id"] for page in pages for partner in page["PartnerSummaryList"]]
            expect_equal(f"the number of partners in catalog {catalog}", len(found), wanted[catalog])
            ids += found
        self._stage.overlook_requests()
        return ids


def expect_equal(what: str, found: object, expected: object) -> None:
    """Refuse to go on with a rehearsal that did something else than it should."""
    if found != expected:
        raise RehearsalError(f"{what} should be {expected}, but is {found}")


def _ending(result: Result, step: StepReport) -> str:
    if result.exit_code == 0:
        return "success"
    return "a rollback" if step.rolled_back else f"exit code {result.exit_code} (its own words stand in the terminal)"


def changes_in(step: StepReport) -> list[str]:
    """The requests of a step that change something at Partner Central."""
    return [request.subject for request in step.requests if request.changes]


def _shown_by(fault: Fault | None, count: int) -> str:
    created = "one partner account was created" if count == 1 else f"{count} partner accounts were created"
    if fault is None:
        return f"Deployed: {created}, and none too many."
    course = "deployed all the same" if fault.survived else "rolled back, then deployed"
    return f"Fault {fault.name} ({fault.meaning}): {course}; {created} in all, and none too many."


def _by_name(parameters: Sequence[str]) -> Mapping[str, str]:
    pairs = (parameter.partition("=") for parameter in parameters)
    return {name.rpartition(":")[2]: value for name, _, value in pairs}
