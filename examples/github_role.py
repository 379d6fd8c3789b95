"""The role with which the GitHub Actions workflow `github-actions/deploy.yml` deploys, without a stored key.

    npx cdk deploy --app "python examples/github_role.py"

Edit the values at the top first. Only jobs of the environment `partner-account` can assume the role, and GitHub starts
them only after its reviewers have approved: so nobody deploys without approval, whatever the workflow contains.
An account can have only one OIDC provider for GitHub; if it exists already, import it by its ARN instead.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

# A repository created or renamed since July 15, 2026 needs its ids here: "example-corp@123456/alliances@456789".
# https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
REPOSITORY = "example-corp/alliances"
ENVIRONMENT = "partner-account"
GITHUB = "token.actions.githubusercontent.com"


class GitHubRoleStack(cdk.Stack):
    """GitHub as an identity provider, and a role that may only assume the roles of `cdk bootstrap`."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Create both."""
        super().__init__(scope, construct_id)
        provider = iam.OidcProviderNative(self, "GitHub", url=f"https://{GITHUB}", client_ids=["sts.amazonaws.com"])
        role = iam.Role(
            self,
            "Role",
            description="Deploys from GitHub Actions, after approval",
            assumed_by=iam.WebIdentityPrincipal(
                provider.oidc_provider_arn,
                {
                    "StringEquals": {
                        f"{GITHUB}:aud": "sts.amazonaws.com",
                        f"{GITHUB}:sub": f"repo:{REPOSITORY}:environment:{ENVIRONMENT}",
                    }
                },
            ),
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[f"arn:{cdk.Aws.PARTITION}:iam::{cdk.Aws.ACCOUNT_ID}:role/cdk-*"],
                # CloudFormation's own execution role is not among those that a person or a job assumes.
                conditions={
                    "StringEquals": {"iam:ResourceTag/aws-cdk:bootstrap-role": ["deploy", "file-publishing", "lookup"]}
                },
            )
        )
        cdk.CfnOutput(self, "RoleArn", value=role.role_arn)


def add_stacks(app: cdk.App) -> None:
    """Add the stack."""
    GitHubRoleStack(app, "PartnerGitHubRole")


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    example.synth()
