"""The steps of a rehearsal, and the required outcome of each. `step_runner` shows and records them."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from partner_account_rehearsal import RehearsalError
from partner_account_rehearsal.assembly import NESTED_STACK, Assembly, Stack, all_stack_ids, drop_missing_context
from partner_account_rehearsal.bootstrap import bootstrap_arguments, create_prerequisites, environment_of_lookups
from partner_account_rehearsal.cdk import NO_BUILD, Cdk, CommandResult
from partner_account_rehearsal.faults import FAILING_TYPE, ROLLBACK, WRONG_CODE, Fault, failing_copy
from partner_account_rehearsal.limits import (
    missing_parameters,
    names_taken,
    obstacles,
    retired_runtimes,
)
from partner_account_rehearsal.local_aws import ACCOUNT, REGION, LocalAws
from partner_account_rehearsal.partners import (
    CATALOGS,
    OWN_TYPES,
    SANDBOX,
    ManagedPartner,
    ManagedProfile,
    partners_of,
    profiles_of,
)
from partner_account_rehearsal.report import RehearsalFinding, RehearsalReport, StepReport, created_accounts
from partner_account_rehearsal.stand_ins import (
    StandIn,
    describe,
    find_stand_ins,
    replace_by_stand_ins,
    replace_public_parameters,
    unbuilt_images,
)
from partner_account_rehearsal.step_runner import StepRunner
from partner_account_rehearsal.terminal import Reporter
from partner_account_rehearsal.verification_codes import CodeLocation, find_location, request_code, store_code


@dataclass(frozen=True)
class Options:
    """What to rehearse.

    Attributes:
        folder: the app's directory.
        stacks: patterns of the stacks' ids, as the CLI takes them.
        app: the command that runs the app, or a directory with its cloud assembly; empty for the one in its `cdk.json`.
        context: values of the app's context, each `name=value`.
        parameters: CloudFormation parameters, each `name=value` or `stack:name=value`.
        fault: the fault to inject into the first deployment.
        keep: whether the stacks are kept, and not destroyed at the end.
        readings: the report of `partner-account probe` with the readings for the simulator.
        stand_in: types or paths of resources that are not rehearsed.
        ssm_parameters: SSM parameters that the account has, each `name=value`.
        deployed: the directory with the cloud assembly that is deployed now; None if none of the stacks is.
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
    ssm_parameters: Sequence[str] = ()
    deployed: Path | None = None

    def values_of_parameters(self) -> dict[str, str]:
        """The values of the CloudFormation parameters by their names, whichever stack they are for."""
        pairs = (parameter.partition("=") for parameter in self.parameters)
        return {name.rpartition(":")[2]: value for name, _, value in pairs}


class Rehearsal:
    """One rehearsal on a local AWS that nobody else uses."""

    def __init__(self, options: Options, aws: LocalAws, reporter: Reporter, report: RehearsalReport) -> None:
        """Prepare to record into `report`."""
        self._options = options
        self._aws = aws
        self._reporter = reporter
        self._report = report
        lookups = environment_of_lookups(options.folder / "cdk.context.json")
        self._environment = {**aws.environment_of_app(os.environ), **lookups}
        self._runner = StepRunner(aws, self.cdk(), reporter, report)
        self._assembly = Assembly(aws.folder / "cdk.out")
        self._former: Assembly | None = None
        self._partners: list[ManagedPartner] = []
        self._former_partners: list[ManagedPartner] = []
        self._deployed: set[str] = set()
        self._code_parameters: list[str] = []
        self._outputs_file = aws.folder / "outputs.json"
        self._locations: Sequence[tuple[ManagedPartner, CodeLocation]] = ()
        self._missing_context: list[str] = []

    def run(self) -> None:
        """Run all steps.

        Raises:
            RehearsalError: a step failed, or had an unexpected outcome; or AWS would reject what is done here.
        """
        self._synthesize()
        self._describe()
        self._bootstrap()
        if self._former:
            self._deploy_former(self._former)
        self._prepare_codes(self._assembly, self._partners, wrong=self._options.fault is WRONG_CODE)
        self._deploy()
        self._deploy_again()
        if not self._options.keep:
            self._destroy()
        self._report.note_used(self._aws.used_statements())
        if refusals := self._report.refusals:
            raise RehearsalError("; ".join(refusals))

    @property
    def aws_of_partner(self) -> LocalAws:
        """The local AWS, in the account and the region of the app's first partner."""
        regions = (partner.stack.region for partner in self._partners)
        return self._aws.at(next(regions, "") or REGION)

    # What would be created

    def _synthesize(self) -> None:
        given = self._options.folder / self._options.app if self._options.app else None
        made = given if given and given.is_dir() else None
        title = f"Read the cloud assembly {self._options.app}" if made else "Synthesize the app (cdk synth)"
        with self._runner.step("synthesize", title):
            selected: tuple[str, ...] = ()
            if made:
                Assembly(made).copy_to(self._assembly.folder)
                if self._options.stacks:
                    selected = self._list_stacks("--app", str(self._assembly.folder))
            else:
                app = ("--app", self._options.app) if self._options.app else ()
                context = [word for value in self._options.context for word in ("--context", value)]
                # A lookup would return an empty account's values, and store them in the user's cdk.context.json.
                options = ["--lookups=false", *app, *context]
                # Only `--exclusively` keeps the app from bundling other stacks; `cdk list` shows what these depend on.
                if self._options.stacks:
                    selected = self._list_stacks(*options)
                    options += ["--exclusively", NO_BUILD]
                self._run_app("synth", *selected, "--quiet", *options)
            selected = selected or all_stack_ids(self._assembly.folder)
            self._assembly = Assembly(self._assembly.folder, selected)
            self._partners = partners_of(self._assembly.stacks)
            if self._options.deployed:
                self._read_former(self._options.folder / self._options.deployed)
            seeded = {parameter.partition("=")[0] for parameter in self._options.ssm_parameters}
            reasons = [
                *obstacles(self._assembly.stacks, self._options.fault),
                *missing_parameters(self._assembly.stacks, seeded, self._options.values_of_parameters()),
            ]
            if reasons:
                raise RehearsalError("; ".join(reasons))
            self._select_account()

    def _run_app(self, *arguments: str) -> CommandResult | None:
        """Run the CLI through the step runner; None if only lookups are missing, for which CDK has dummy values."""
        result = self._runner.attempt(*arguments)
        if result.exit_code and (missing := drop_missing_context(self._assembly.folder)):
            self._missing_context = missing
            return None
        return self._runner.succeeded(result, arguments[0])

    def _list_stacks(self, *options: str) -> tuple[str, ...]:
        """The ids of the stacks that the user selected and of their dependencies."""
        patterns = self._options.stacks
        command = ("list", *patterns, "--show-dependencies", "--json")
        if not (listed := self._run_app(*command, *options)):
            listed = self._runner.run(*command, "--app", str(self._assembly.folder))
        # The CLI's warnings come before it.
        found = re.search(r"^\[$.*", listed.output, re.MULTILINE | re.DOTALL)
        if not found:
            raise RehearsalError(f"no stack matches {' '.join(patterns)}: `cdk list` shows their names")
        return tuple(stack["id"].partition(" (")[0] for stack in json.loads(found[0]))

    def _read_former(self, folder: Path) -> None:
        if not (folder / "manifest.json").is_file():
            raise RehearsalError(f"--from {folder}: there is no cloud assembly: use the cdk.out that is deployed now")
        self._former = Assembly(folder).copy_to(self._aws.folder / "cdk.out.former", self._assembly.selected)
        if not self._former.stacks:
            raise RehearsalError(f"--from {folder} has none of {', '.join(self._assembly.selected)}")
        self._former_partners = partners_of(self._former.stacks)

    def _select_account(self) -> None:
        """Switch to the app's account."""
        stacks = self._assembly.stacks
        account = next((stack.account for stack in stacks if stack.account), ACCOUNT)
        self._aws = self._aws.at(REGION, account)
        self._environment = {**self._environment, **self._aws.credentials_and_region()}
        # An update deletes resources that are only in the former stacks.
        former = self._former.stacks if self._former else []
        self._runner.select_account(self._aws, self.cdk(), [*former, *stacks])

    def _describe(self) -> None:
        stacks = self._assembly.stacks
        former_stacks = self._former.stacks if self._former else []
        self._report.describe(stacks, self._options.fault, former_stacks)
        self._report.not_rehearsed = self._insert_stand_ins(stacks)
        self._reporter.preview(self._report)
        if self._former:
            self._insert_stand_ins(former_stacks, strict=False)
            self._former = Assembly(self._former.folder, self._former.selected)
        former = {one.path for stack in former_stacks for one in stack.resources()}
        new = (one for stack in stacks for one in stack.resources() if one.path not in former)
        self._report_findings(retired_runtimes(new))
        self._assembly = Assembly(self._assembly.folder, self._assembly.selected)
        self._partners = partners_of(self._assembly.stacks)

    def _insert_stand_ins(self, stacks: Sequence[Stack], *, strict: bool = True) -> list[StandIn]:
        """Replace what the local AWS can't create, and return what it was."""
        cloudformation = self._aws.client("cloudformation")
        found = find_stand_ins(stacks, cloudformation, self._options.stand_in, strict=strict)
        images = unbuilt_images(stacks)
        for stack in stacks:
            stack.drop_images()
        replace_by_stand_ins(resource for resource, _ in found)
        context = StandIn("context", self._missing_context, "it requires a lookup, and is not in cdk.context.json")
        return [*describe(found), *images, *replace_public_parameters(stacks), *([context] if context.paths else [])]

    def _report_findings(self, findings: Iterable[RehearsalFinding]) -> None:
        """Show what AWS would reject; this fails the rehearsal at the end, after everything else is rehearsed."""
        for finding in findings:
            self._report.findings.append(finding)
            self._reporter.line(finding.text, "red")

    # What comes before a deployment

    def _bootstrap(self) -> None:
        with self._runner.step("bootstrap", "Prepare the account for CDK (cdk bootstrap)"):
            for arguments in bootstrap_arguments(self._assembly.stacks, self._aws):
                self._runner.run("bootstrap", *arguments, "--app", str(self._assembly.folder))
            create_prerequisites(self._assembly.stacks, self._aws, self._options.ssm_parameters)

    def _deploy_former(self, former: Assembly) -> None:
        """Deploy what is deployed now, with a partner of its own if it has one."""
        self._prepare_codes(former, self._former_partners)
        with self._runner.step(
            "deploy-former", f"Deploy what is deployed now, from {self._options.deployed} (cdk deploy)"
        ) as step:
            self._runner.run(*self._deploy_command(former, [one.id for one in former.stacks]), *self._code_parameters)
            expect_created(step, self._former_partners, profiles_of(former.stacks))
        self._deployed.clear()

    def _prepare_codes(self, assembly: Assembly, partners: Sequence[ManagedPartner], *, wrong: bool = False) -> None:
        for partner in partners:
            self._deploy_dependencies(assembly, partner.stack, {one.stack.id for one in partners})
        values = self._options.values_of_parameters()
        locations: list[tuple[ManagedPartner, CodeLocation]] = []
        for partner in (one for one in partners if one.needs_code):
            if location := find_location(partner, self._aws.at(partner.stack.region or REGION), values):
                locations.append((partner, location))
            else:
                place = f"its own stack creates or names {partner.code_source}"
                self._reporter.line(f"{partner.path}: {place}, so nothing can be stored there before")
        if locations:
            what = "Request the" if any(one.catalog != SANDBOX for one, _ in locations) else "Make up a"
            where = ", ".join(dict.fromkeys(str(location) for _, location in locations))
            with self._runner.step("store-codes", f"{what} verification code, and store it: {where}"):
                self._store_codes(locations, wrong=wrong)

    def _deploy_dependencies(self, assembly: Assembly, stack: Stack, of_partners: set[str]) -> None:
        """Deploy the stacks that may create the store of the code, or output its name."""
        stacks = [one for one in assembly.dependencies_of(stack) if one not in of_partners | self._deployed]
        if stacks:
            with self._runner.step(
                "deploy-dependencies", f"Deploy what comes first: {', '.join(stacks)} (cdk deploy)"
            ) as step:
                self._runner.run(*self._deploy_command(assembly, stacks))
                expect_equal("the requests that change something", step.changes, [])
            self._deployed.update(stacks)

    def _store_codes(self, locations: Sequence[tuple[ManagedPartner, CodeLocation]], *, wrong: bool = False) -> None:
        self._locations, self._code_parameters = locations, []
        for partner, location in locations:
            aws = self._aws.at(partner.stack.region or REGION)
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
        fault, new = self._options.fault, len(self._report.new_partners)
        if fault is None:
            self._expect_created(self._deploy_all("deploy", "Deploy the app (cdk deploy)"))
            shown, created = "Deployed", created_accounts(new)
        else:
            self._deploy_during(fault)
            course = "deployed all the same" if fault.survived else "rolled back, then deployed"
            shown = f"Fault {fault.name} ({fault.meaning}): {course}"
            created = created_accounts(new, " in all")
        self._expect_each_partner_once()
        refused = ", which AWS would refuse" if self._report.refusals else ""
        self._report.results.append(f"{shown}{refused}; {created}.")
        self._report.note_profiles()

    def _expect_created(self, step: StepReport) -> None:
        """Fail if the step did anything other than create each partner that doesn't exist yet."""
        existing = {partner.catalog for partner in self._former_partners}
        new = [partner for partner in self._partners if partner.catalog not in existing]
        if existing:  # An update may change a contact, for one.
            expect_equal("the number of CreatePartner requests", step.changes.count("CreatePartner"), len(new))
        else:
            expect_created(step, new, profiles_of(self._assembly.stacks))

    def _deploy_during(self, fault: Fault) -> None:
        assembly = self._assembly
        if fault is ROLLBACK:
            assembly = failing_copy(assembly, self._aws.folder / "cdk.out.failing")
        for order in fault.orders:
            self._aws.partner_central.order_fault(order)
        with self._runner.step(
            "deploy-with-fault", f"Deploy while {fault.meaning} (cdk deploy)", meets_fault=True
        ) as step:
            if fault.takes:
                self._reporter.line(f"This takes {fault.takes}.")
            result = self._runner.attempt(*self._deploy_command(assembly, assembly.selected), *self._code_parameters)
            # Not the stacks: each fails because a resource of it did.
            failed = next((one for one in step.events if one.failed and one.type not in ("", NESTED_STACK)), None)
            intended: Sequence[str] = (FAILING_TYPE,) if fault is ROLLBACK else OWN_TYPES
            if (failed and failed.type not in intended) or (step.rolled_back and not failed):
                step.title = "Deploy, which failed before it met the fault (cdk deploy)"
                raise RehearsalError(f"cdk deploy failed before it met the fault: {self._runner.reason(result)}")
            ending = "success" if result.exit_code == 0 else "a rollback" if step.rolled_back else "a failure"
            if ending != (expected := "success" if fault.survived else "a rollback"):
                reason = f": {self._runner.reason(result, intended)}" if result.exit_code else ""
                raise RehearsalError(f"the deployment should end in {expected}, but ended in {ending}{reason}")
            if fault.orders and not fault.is_met({request.subject for request in step.requests}):
                raise RehearsalError("the deployment never met the fault: it didn't call Partner Central")
        self._aws.partner_central.clear_faults()
        if fault.survived:
            self._read_outputs()
            return
        skipped = {event.subject: event.type for event in step.events if event.status == "DELETE_SKIPPED"}
        self._report_findings(
            names_taken((one for stack in self._assembly.stacks for one in stack.resources()), skipped)
        )
        self._recover(fault)

    def _recover(self, fault: Fault) -> None:
        self._runner.disable_termination_protection([stack.name for stack in self._assembly.stacks])
        if fault is WRONG_CODE:
            with self._runner.step("store-other-codes", "Request another code, and store that one"):
                self._store_codes(self._locations)
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
        self._report.results.append(
            "Deployed again with nothing changed: no request changed anything at Partner Central."
        )

    def _destroy(self) -> None:
        with self._runner.step("destroy", "Destroy the stacks (cdk destroy)") as step:
            self._runner.disable_termination_protection([stack.name for stack in self._assembly.stacks])
            app = ("--app", str(self._assembly.folder))
            self._runner.run("destroy", *self._assembly.selected, "--exclusively", "--force", *app)
            self._reporter.line(f"{', '.join(self._expect_each_partner_once())}: still there, as it was")
            expect_equal("the requests that change something", step.changes, [])
        kept = "the partner account and its profile are as they were"
        kept = kept if self._report.profiles else "the partner account is as it was"
        self._report.results.append(f"Destroyed: the stacks are gone, and {kept}.")

    def cdk(self) -> Cdk:
        """The CLI for the app, in the app's account."""
        return Cdk(self._options.folder, self._aws.folder, self._environment)

    def _deploy_command(self, assembly: Assembly, stacks: Sequence[str]) -> list[str]:
        parameters = [word for value in self._options.parameters for word in ("--parameters", value)]
        options = ("--require-approval", "never", "--outputs-file", str(self._outputs_file))
        return ["deploy", *stacks, "--exclusively", "--app", str(assembly.folder), *options, *parameters]

    def _read_outputs(self) -> None:
        self._report.outputs = json.loads(self._outputs_file.read_text("utf-8"))
        statuses = {one.path: one.task_status(self._report.outputs) for one in profiles_of(self._assembly.stacks)}
        for described in self._report.profiles:
            described.task_status = statuses.get(described.path, "")

    def _expect_each_partner_once(self) -> list[str]:
        """The ids of the account's partners, which must be one for each in the app, and no other."""
        ids: list[str] = []
        expected = Counter({partner.catalog for partner in [*self._former_partners, *self._partners]})
        for catalog in CATALOGS:
            pages = self._aws.client("partnercentral-account").get_paginator("list_partners").paginate(Catalog=catalog)
            found = [partner["Id"] for page in pages for partner in page["PartnerSummaryList"]]
            expect_equal(f"the number of partners in catalog {catalog}", len(found), expected[catalog])
            ids += found
        self._runner.skip_own_requests()
        return ids


def expect_equal(what: str, found: object, expected: object) -> None:
    """Fail the rehearsal if the value found is not the expected one."""
    if found != expected:
        raise RehearsalError(f"{what} should be {expected}, but is {found}")


def expect_created(
    step: StepReport, partners: Sequence[ManagedPartner], profiles: Sequence[ManagedProfile] = ()
) -> None:
    """Fail if the step changed anything other than creating each partner and starting each profile's task once."""
    changes = Counter(step.changes)
    # CreatePartner takes no tags there: the function tries to add its ownership tag later, which may fail.
    tags = sum(partner.catalog == SANDBOX for partner in partners)
    # A profile with the right visibility is not changed.
    visibilities = sum(bool(profile.visibility) for profile in profiles)
    changes -= Counter({"TagResource": tags, "PutProfileVisibility": visibilities})
    expected = ["CreatePartner"] * len(partners) + ["StartProfileUpdateTask"] * len(profiles)
    expect_equal("the requests that change something", sorted(changes.elements()), expected)
