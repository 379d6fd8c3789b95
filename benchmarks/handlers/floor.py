"""The minimum of a safe handler: PartnerAccount's calls in a row, by hand, with boto3, and crhelper imported.

It decides nothing, retries nothing and survives nothing: its cost is what no handler of this kind can save.
"""

import json
import os

import boto3
import crhelper
import urllib3


def handler(event, context):
    """List, check, create, and answer: a Create and nothing else."""
    assert crhelper.CfnResource
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps({**answer, "Status": "SUCCESS", **create(event)})
    urllib3.request("PUT", event["ResponseURL"], body=body, headers={"content-type": ""})


def create(event):
    """The requests of a fault-free Create."""
    properties = event["ResourceProperties"]
    cloudformation = boto3.client("cloudformation")
    partner_central = boto3.client("partnercentral-account", region_name="us-east-1")
    cloudformation.describe_stacks(StackName=event["StackId"])
    assert not partner_central.list_partners(Catalog=properties["Catalog"])["PartnerSummaryList"]
    secret = properties["EmailVerificationCode"]["SecretId"]
    code = boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    cloudformation.describe_stacks(StackName=event["StackId"])
    partner = partner_central.create_partner(
        Catalog=properties["Catalog"],
        ClientToken=event["RequestId"],
        LegalName=properties["LegalName"],
        PrimarySolutionType=properties["PrimarySolutionType"],
        AllianceLeadContact=properties["AllianceLeadContact"],
        EmailVerificationCode=code,
        Tags=[{"Key": "cdk-partner-account:owner", "Value": os.urandom(32).hex()}],
    )
    profile = partner_central.get_profile_visibility(Catalog=partner["Catalog"], Identifier=partner["Arn"])
    return told(partner, profile)


def told(partner, profile):
    """The id and the attributes of the answer."""
    data = {"Arn": partner["Arn"], "Id": partner["Id"], "ProfileId": profile["ProfileId"]}
    return {"PhysicalResourceId": partner["Arn"], "Data": data}
