"""What a rehearsal can't show: refused before anything is deployed, or reported, since AWS would reject it."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from botocore.loaders import create_loader
from botocore.regions import EndpointResolver

from partner_account_rehearsal.assembly import Stack, TemplateResource
from partner_account_rehearsal.expressions import references, to_text
from partner_account_rehearsal.faults import WRONG_CODE, Fault
from partner_account_rehearsal.partners import OWN_TYPES, PARTNER_TYPE, SANDBOX, partners_of, profiles_of
from partner_account_rehearsal.report import RehearsalFinding

# The runtimes with which AWS creates no more functions, by "Lambda runtimes" in its Developer Guide. It has postponed
# the date of later ones more than once.
_RETIRED = re.compile(
    r"dotnetcore.+|go1\.x|java8|nodejs(\d\.\d+.*|1[024]\.x)?|provided|python(2\.7|3\.6|3\.7)|ruby2\.[57]"
)
# CDK's own parameters need not be given, and AWS's exist in every account.
_PARAMETERS_OF_OTHERS = ("/cdk-bootstrap/", "/cdk/exports/", "/aws/")
_LOCAL_GAP = "it's a gap in the local AWS: rehearse the partner in a stack of its own, by that stack's name"
_SSM_TYPE = "AWS::SSM::Parameter::Value<"
_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:ssm(?:-secure)?:([\w./-]+)")


def obstacles(stacks: Sequence[Stack], fault: Fault | None) -> Iterator[str]:
    """Why these stacks can't be rehearsed with that fault, each with its remedy."""
    partners, profiles = partners_of(stacks), profiles_of(stacks)
    if not partners:
        yield "none of these stacks has a PartnerAccount: there is nothing to rehearse"
        return
    if len(accounts := {stack.account for stack in stacks if stack.account}) > 1:
        yield f"these stacks belong to {len(accounts)} accounts: select stacks of one account"
    # Not through a session, which would look up the user's AWS profile.
    regions = EndpointResolver(create_loader().load_data("endpoints"))
    for stack in {partner.stack.id: partner.stack for partner in partners}.values():
        if stack.region and (partition := regions.get_partition_for_region(stack.region)) != "aws":
            yield f"{stack.id} is for {stack.region}: partition {partition} has no Partner Central"
    if adopting := [partner.path for partner in partners if partner.adopts]:
        yield (
            f"{', '.join(adopting)} adopts a partner that only your account has: rehearse it without "
            "existing_partner_id"
        )
    catalogs = Counter(partner.catalog for partner in partners)
    if twice := [catalog for catalog, count in catalogs.items() if count > 1]:
        yield (
            f"there are several partners in catalog {', '.join(twice)}: no documentation says that an account may "
            "have more than one, and the simulated Partner Central refuses it: select stacks with one"
        )
    if fault is WRONG_CODE and set(catalogs) == {SANDBOX}:
        yield "the Sandbox accepts any code, so none is wrong: choose another --fault"
    if elsewhere := [profile.path for profile in profiles if profile.is_of_a_known_partner]:
        yield (
            f"{', '.join(elsewhere)} is of a partner that only your account has: rehearse it beside a PartnerAccount "
            "of the app"
        )
    if fault and fault.is_of_profile and not profiles:
        yield "none of these stacks has a PartnerProfile, so nothing is reviewed: choose another --fault"


def missing_parameters(stacks: Sequence[Stack], given: Iterable[str], overridden: Iterable[str]) -> Iterator[str]:
    """The SSM parameters that these stacks read, that none of them creates, and that are not given.

    `overridden` are the CloudFormation parameters that get other values than their defaults.
    """
    resources = [one for stack in stacks for one in stack.resources()]
    made = {to_text(one.properties.get("Name", "")) for one in resources if one.type == "AWS::SSM::Parameter"}
    read: list[str] = []
    for stack in stacks:
        for name, parameter in stack.template.get("Parameters", {}).items():
            default = parameter.get("Default", stack.bootstrap_parameter)
            is_read = str(parameter["Type"]).startswith(_SSM_TYPE) and name not in overridden
            if is_read and default != stack.bootstrap_parameter:
                read.append(str(default))
        read += _DYNAMIC_REFERENCE.findall(json.dumps(stack.template))
    known = {*made, *given}
    for name in dict.fromkeys(read):
        if name not in known and not name.startswith(_PARAMETERS_OF_OTHERS):
            yield f"SSM parameter {name} is read, but not created by these stacks: add --ssm-parameter {name}=VALUE"


def retired_runtimes(resources: Iterable[TemplateResource]) -> Iterator[RehearsalFinding]:
    """Functions that AWS would not create."""
    for resource in resources:
        runtime = resource.properties.get("Runtime")
        if resource.type == "AWS::Lambda::Function" and isinstance(runtime, str) and _RETIRED.fullmatch(runtime):
            text = f"{resource.path}: AWS no longer creates functions with {runtime}: choose a newer runtime"
            yield RehearsalFinding("retired-runtime", text, fails=True)


def names_taken(resources: Iterable[TemplateResource], skipped: Mapping[str, str]) -> Iterator[RehearsalFinding]:
    """What a rollback has retained under a fixed name, so that AWS would refuse to create it again.

    `skipped` are the types of the resources that were not deleted, by their paths.
    """
    for resource in resources:
        if skipped.get(resource.path) == resource.type != PARTNER_TYPE and (name := _fixed_name(resource)):
            text = (
                f"{resource.path}: after a rollback AWS refuses to create it again, since {name} already exists: let "
                "CloudFormation name it, or apply RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE"
            )
            yield RehearsalFinding("name-taken", text, fails=True)


def _fixed_name(resource: TemplateResource) -> str:
    """The name that a template gives a resource; empty if CloudFormation generates one."""
    kind = resource.type.rpartition("::")[2]
    for name, value in resource.properties.items():
        if name == "Name" or (
            name.endswith(("Name", "Identifier")) and kind.endswith(re.sub(r"(Name|Identifier)$", "", name))
        ):
            return "" if references(value) else to_text(value)
    return ""


def explain_failure(kind: str, path: str, reason: str, status: str = "CREATE_FAILED") -> str:
    """Why a resource of this type failed, and what to do if the local AWS is the cause."""
    # A function's stack trace doesn't help whoever deploys it.
    told = f"{path}: " + " ".join(line for line in reason.splitlines() if not line.startswith("    at "))
    # IAM denies here what it denies on AWS.
    if kind in OWN_TYPES or status == "DELETE_FAILED" or "not authorized to perform" in reason:
        return told
    return f"{told}. If AWS would create this {kind}, {_LOCAL_GAP}, or add --stand-in {path}"


def explain_refusal(reason: str) -> str:
    """Why a deployment failed before any resource did, and what to do if the local AWS is the cause."""
    if "Need to perform AWS calls for account" in reason:
        return f"{reason}. Synthesize the app again with what it looks up in cdk.context.json, or with credentials"
    # What the app's own constructs and rules reject never reaches AWS.
    return reason if re.match(r"ERROR |\[Error at ", reason) else f"{reason}. If AWS would accept it, {_LOCAL_GAP}"
