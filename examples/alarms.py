"""Alarms on a partner account: a message to a topic when a deployment needs a human.

    npx cdk deploy --app "python examples/alarms.py"

Then subscribe to the topic whoever should hear of it. The partner is one of the Sandbox, which can't harm.
"""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from partner_account import (
    AllianceLeadContact,
    Catalog,
    PartnerAccount,
    PartnerMetric,
    PrimarySolutionType,
    VerificationCode,
)

WHAT_TO_DO = {
    PartnerMetric.REFUSED: "The reason of the stack's event says what to correct or decide; then deploy again.",
    PartnerMetric.FAILED: "Deploy again: what is already done is found and kept. The stack's event says why.",
    PartnerMetric.ROLLBACK_LET_THROUGH: "The stack shows the former values, the partner may have others: the "
    "function's log names the call that failed. The next change of contact or tags in the template is written.",
}


class AlarmsStack(cdk.Stack):
    """A partner account, and an alarm on each of its metrics that a human should know of."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Create the partner, the topic and the alarms."""
        super().__init__(scope, construct_id)
        partner = PartnerAccount(
            self,
            "Partner",
            catalog=Catalog.SANDBOX,
            legal_name=f"Example Corp {self.account}",
            primary_solution_type=PrimarySolutionType.SOFTWARE_PRODUCTS,
            alliance_lead_contact=AllianceLeadContact(
                first_name="Jane", last_name="Doe", email="jane.doe@example.com", business_title="Alliance Lead"
            ),
            email_verification_code=VerificationCode.for_sandbox(),
        )
        topic = sns.Topic(self, "Topic", enforce_ssl=True)
        cdk.CfnOutput(self, "TopicArn", value=topic.topic_arn)
        for metric, what_to_do in WHAT_TO_DO.items():
            alarm = partner.metric(metric).create_alarm(
                self,
                metric.value,
                alarm_description=what_to_do,
                threshold=1,
                evaluation_periods=1,
                # Between two deployments there is no data, and that is no reason to worry.
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            alarm.add_alarm_action(actions.SnsAction(topic))


if __name__ == "__main__":
    app = cdk.App()
    AlarmsStack(app, "PartnerAlarms")
    app.synth()
