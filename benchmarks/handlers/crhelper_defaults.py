"""A handler as in crhelper's README: its defaults, and boto3's clients created when the module is loaded."""

import boto3
from crhelper import CfnResource

helper = CfnResource()

try:
    partner_central = boto3.client("partnercentral-account", region_name="us-east-1")
    secrets = boto3.client("secretsmanager")
except Exception as error:
    helper.init_failure(error)


def handler(event, context):
    """Let crhelper dispatch."""
    helper(event, context)


@helper.create
def create(event, context):
    """Create the partner; a repeated request is the same to the service."""
    properties = event["ResourceProperties"]
    return told(
        partner_central.create_partner(
            Catalog=properties["Catalog"],
            ClientToken=event["RequestId"],
            LegalName=properties["LegalName"],
            PrimarySolutionType=properties["PrimarySolutionType"],
            AllianceLeadContact=properties["AllianceLeadContact"],
            EmailVerificationCode=secrets.get_secret_value(SecretId=properties["SecretName"])["SecretString"],
        )
    )


@helper.update
def update(event, context):
    """Write the contact, and read what the outputs need."""
    named = {"Catalog": event["ResourceProperties"]["Catalog"], "Identifier": event["PhysicalResourceId"]}
    contact = event["ResourceProperties"]["AllianceLeadContact"]
    partner_central.put_alliance_lead_contact(**named, AllianceLeadContact=contact)
    return told(partner_central.get_partner(**named))


@helper.delete
def delete(event, context):
    """Retain the partner: no call deletes one."""


def told(partner):
    """Store what the outputs need, and return the physical id."""
    profile = partner_central.get_profile_visibility(Catalog=partner["Catalog"], Identifier=partner["Arn"])
    helper.Data.update({"Arn": partner["Arn"], "Id": partner["Id"], "ProfileId": profile["ProfileId"]})
    return partner["Arn"]
