"""What an app requires of its account before it is deployed: the company's own `cdk bootstrap`, and more."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from partner_account_rehearsal.assembly import Stack
from partner_account_rehearsal.local_aws import REGION, LocalAws

_DEFAULT_QUALIFIER = "hnb659fds"


def bootstrap_arguments(stacks: Sequence[Stack], aws: LocalAws) -> Iterator[list[str]]:
    """The arguments of each `cdk bootstrap`: by qualifier, and by a bucket with a name of the company's own."""
    environments: dict[tuple[str, str], set[str]] = {}
    for stack in stacks:
        qualifier = _qualifier(stack)
        usual = f"cdk-{qualifier}-assets-{aws.account}-"
        bucket = next((name for name, _ in _asset_buckets(stack, aws) if not name.startswith(usual)), "")
        environment = f"aws://{aws.account}/{stack.region or REGION}"
        environments.setdefault((qualifier, bucket), set()).add(environment)
    for (qualifier, bucket), several in sorted(environments.items()):
        # Otherwise two in one environment would be one stack.
        name = "CDKToolkit" if qualifier == _DEFAULT_QUALIFIER else f"CDKToolkit-{qualifier}"
        own = ["--bootstrap-bucket-name", bucket] if bucket else []
        yield [*sorted(several), "--qualifier", qualifier, "--toolkit-stack-name", name, *own]


def create_prerequisites(stacks: Sequence[Stack], aws: LocalAws, ssm_parameters: Sequence[str]) -> None:
    """Create what these stacks find in the real account in addition to what `cdk bootstrap` creates.

    That is: other buckets for assets, the version of a bootstrap that stores it under another name, and the SSM
    parameters, each `name=value`.
    """
    for stack in stacks:
        for bucket, there in _asset_buckets(stack, aws):
            s3 = there.client("s3")
            if bucket not in {one["Name"] for one in s3.list_buckets()["Buckets"]}:
                elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": there.region}}
                s3.create_bucket(Bucket=bucket, **({} if there.region == REGION else elsewhere))
        values = dict(parameter.split("=", 1) for parameter in ssm_parameters)
        if stack.bootstrap_parameter != f"/cdk-bootstrap/{_qualifier(stack)}/version":
            values[stack.bootstrap_parameter] = "99"
        ssm = aws.at(stack.region or REGION).client("ssm")
        for name, value in values.items():
            if name:
                ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def environment_of_lookups(file: Path) -> dict[str, str]:
    """The account and region of an app's lookups, if all were for one, as environment variables.

    `cdk` passes them to the app as CDK_DEFAULT_ACCOUNT and CDK_DEFAULT_REGION.
    """
    text = file.read_text("utf-8") if file.is_file() else ""
    accounts, regions = ({*re.findall(rf":{name}=([\w-]+)", text)} for name in ("account", "region"))
    found = {"AWS_ACCESS_KEY_ID": accounts, "AWS_REGION": regions, "AWS_DEFAULT_REGION": regions}
    return {name: next(iter(values)) for name, values in found.items() if len(values) == 1}


def _qualifier(stack: Stack) -> str:
    """The qualifier of the bootstrap stack that it uses."""
    found = re.fullmatch(r"/cdk-bootstrap/([^/]+)/version", stack.bootstrap_parameter)
    return found[1] if found else _DEFAULT_QUALIFIER


def _asset_buckets(stack: Stack, aws: LocalAws) -> Iterator[tuple[str, LocalAws]]:
    """The buckets to which the stack's assets are published, and where each is."""
    destinations = (
        destination
        for asset in stack.assets.get("files", {}).values()
        for destination in asset["destinations"].values()
    )
    for name, region in sorted({(one["bucketName"], one.get("region", "")) for one in destinations}):
        there = aws.at(region or stack.region or REGION)
        yield name.replace("${AWS::AccountId}", there.account).replace("${AWS::Region}", there.region), there
