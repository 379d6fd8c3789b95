"""A CDK pipeline that creates a partner account after a human has requested the code.

    npx cdk deploy --app "python examples/pipeline.py"

Edit the values at the top first. The pipeline stops after the change set is created and before it is executed: then the
approver reviews it, requests the code, stores it, and approves. Nothing is urgent before that, and no code gets old.
"""

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import pipelines
from constructs import Construct

from partner_account import AllianceLeadContact, Catalog, PartnerAccount, PrimarySolutionType, VerificationCode

REPOSITORY = "example-corp/alliances"
CONNECTION = "arn:aws:codeconnections:eu-west-1:111122223333:connection/aEXAMPLE-1111-2222-3333-bbbbEXAMPLE"
EMAIL = "alliances@example.com"
CODE_SECRET = "partner-account/code"  # noqa: S105 - its name
CDK_CLI = "2.1148.1"

WHAT_THE_APPROVER_DOES = f"""\
1. Read the change set: creating a partner can't be undone, accepts the AWS Partner Central and ACE terms for the
   company, and makes this AWS account the one that pays the yearly fee. A company that is already an AWS Partner must
   migrate instead. More: https://cdk-partner-account.readthedocs.io/en/stable/docs/what-it-means.html
2. partner-account send-code --email {EMAIL}
3. partner-account store-code --secret-id {CODE_SECRET}
4. Approve at once. An update that leaves the contact's e-mail as it is needs no code."""


class PartnerStack(cdk.Stack):
    """The partner account."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Create it, in a stack with the same name in every stage.

        The stack's name and the construct's path below it identify the partner's owner: whether a human or the
        pipeline deploys this stack, it is the same partner.
        """
        super().__init__(scope, construct_id, stack_name=construct_id)
        secret = secretsmanager.Secret.from_secret_name_v2(self, "VerificationCode", CODE_SECRET)
        PartnerAccount(
            self,
            "Partner",
            catalog=Catalog.AWS,
            legal_name="Example Corp",
            primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS,
            alliance_lead_contact=AllianceLeadContact(
                first_name="Jane", last_name="Doe", email=EMAIL, business_title="Alliance Lead"
            ),
            email_verification_code=VerificationCode.from_secrets_manager(secret),
            company_is_new_to_apn=True,
        )


class PipelineStack(cdk.Stack):
    """The pipeline: source, synth, its own update, assets, change set, approval, deployment."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Create the pipeline with its only stage."""
        super().__init__(scope, construct_id)
        source = pipelines.CodePipelineSource.connection(REPOSITORY, "main", connection_arn=CONNECTION)
        pipeline = pipelines.CodePipeline(
            self,
            "Pipeline",
            synth=pipelines.CodeBuildStep(
                "Synth",
                input=source,
                partial_build_spec=codebuild.BuildSpec.from_object(
                    {"phases": {"install": {"runtime-versions": {"python": "3.13", "nodejs": "22"}}}}
                ),
                install_commands=["pip install --require-hashes -r requirements.txt"],
                commands=[f"npx --yes aws-cdk@{CDK_CLI} synth --app 'python examples/pipeline.py'"],
            ),
            pipeline_type=codepipeline.PipelineType.V2,
            # npm's latest may be another major version than the library requires.
            cli_version=CDK_CLI,
        )
        stage = cdk.Stage(self, "Alliances")
        partner_stack = PartnerStack(stage, "PartnerAccount")
        approval = pipelines.ManualApprovalStep("RequestCode", comment=WHAT_THE_APPROVER_DOES)
        pipeline.add_stage(stage, stack_steps=[pipelines.StackSteps(stack=partner_stack, change_set=[approval])])


def add_stacks(app: cdk.App) -> None:
    """Add the stack."""
    PipelineStack(app, "PartnerPipeline")


if __name__ == "__main__":
    example = cdk.App()
    add_stacks(example)
    example.synth()
