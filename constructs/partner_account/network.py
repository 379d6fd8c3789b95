"""The function's VPC configuration: its validation, and the resources it needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aws_cdk import Annotations
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IDependable

from partner_account.errors import has_attribute, type_errors

_HTTPS = 443

_ISOLATED = (
    "The function's subnets have no route known to CDK to Partner Central, which is reachable only over the internet. "
    "Acknowledge this warning if there is one, such as a transit gateway or a proxy."
)


@dataclass(frozen=True, kw_only=True)
class Network:
    """The VPC props of a provider."""

    vpc: ec2.IVpc | None
    subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup] | None

    def errors(self) -> Iterator[str]:
        """The errors of these props."""
        if wrong := list(self._type_errors()):
            yield from wrong
            return
        if self.vpc is None and self.subnets is not None:
            yield "vpc_subnets: requires vpc; add it, or omit this"
        if self.vpc is None and self.security_groups is not None:
            yield "security_groups: requires vpc; add it, or omit this"
        elif self.security_groups is not None and not self.security_groups:
            yield "security_groups: is empty; name at least one, or omit this"
        if self.vpc is not None and self._selected(self.vpc).has_public:
            yield (
                "vpc_subnets: are public, and a function has no internet access there; "
                "choose private ones with a NAT gateway"
            )

    def _type_errors(self) -> Iterator[str]:
        yield from type_errors(
            "vpc", self.vpc, "vpc_id", 'a VPC, such as Vpc.from_lookup(stack, "Vpc", vpc_id="vpc-…")'
        )
        if not isinstance(self.subnets, ec2.SubnetSelection | None):
            yield "vpc_subnets: must be a SubnetSelection, such as SubnetSelection(subnet_group_name=…)"
        groups = self.security_groups
        if groups is not None and not (
            isinstance(groups, list | tuple) and all(has_attribute(group, "security_group_id") for group in groups)
        ):
            yield (
                "security_groups: must be a list of security groups, such as "
                '[SecurityGroup.from_security_group_id(stack, "Group", "sg-…")]'
            )

    def groups(self, scope: Construct) -> Sequence[ec2.ISecurityGroup] | None:
        """The function's security groups: the user's, or one that allows outbound HTTPS only."""
        if self.vpc is None or self.security_groups is not None:
            return self.security_groups
        group = ec2.SecurityGroup(
            scope,
            "SecurityGroup",
            vpc=self.vpc,
            description="The function that manages AWS Partner Central accounts",
            allow_all_outbound=False,
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(_HTTPS), "The APIs of AWS")
        return [group]

    def dependencies(self) -> list[IDependable]:
        """What must exist before the function is called: the routes that lead out of the VPC."""
        return [self._selected(self.vpc).internet_connectivity_established] if self.vpc else []

    def warn_if_isolated(self, scope: Construct) -> None:
        """Warn if no known route leads from the subnets to Partner Central."""
        if self.vpc is None:
            return
        isolated = {subnet.subnet_id for subnet in self.vpc.isolated_subnets}
        if isolated & set(self._selected(self.vpc).subnet_ids):
            Annotations.of(scope).add_warning_v2("partner-account:isolated-subnets", _ISOLATED)

    def _selected(self, vpc: ec2.IVpc) -> ec2.SelectedSubnets:
        wanted = self.subnets or ec2.SubnetSelection()
        return vpc.select_subnets(
            availability_zones=wanted.availability_zones,
            one_per_az=wanted.one_per_az,
            subnet_filters=wanted.subnet_filters,
            subnet_group_name=wanted.subnet_group_name,
            subnets=wanted.subnets,
            subnet_type=wanted.subnet_type,
        )
