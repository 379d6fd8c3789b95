"""A handler behind CDK's Provider framework, which answers CloudFormation for it."""

import boto3

partner_central = boto3.client("partnercentral-account", region_name="us-east-1")
secrets = boto3.client("secretsmanager")


def handler(event, context):
    """Create, update or retain one partner."""
    if event["RequestType"] == "Create":
        return told(create(event))
    if event["RequestType"] == "Update":
        return told(update(event))
    return {"PhysicalResourceId": event["PhysicalResourceId"]}


def create(event):
    """Create the partner; a repeated request is the same to the service."""
    properties = event["ResourceProperties"]
    return partner_central.create_partner(
        Catalog=properties["Catalog"],
        ClientToken=event["RequestId"],
        LegalName=properties["LegalName"],
        PrimarySolutionType=properties["PrimarySolutionType"],
        AllianceLeadContact=properties["AllianceLeadContact"],
        EmailVerificationCode=secrets.get_secret_value(SecretId=properties["SecretName"])["SecretString"],
    )


def update(event):
    """Write the contact, and read what the outputs need."""
    named = {"Catalog": event["ResourceProperties"]["Catalog"], "Identifier": event["PhysicalResourceId"]}
    contact = event["ResourceProperties"]["AllianceLeadContact"]
    partner_central.put_alliance_lead_contact(**named, AllianceLeadContact=contact)
    return partner_central.get_partner(**named)


def told(partner):
    """What the framework builds its answer from."""
    profile = partner_central.get_profile_visibility(Catalog=partner["Catalog"], Identifier=partner["Arn"])
    data = {"Arn": partner["Arn"], "Id": partner["Id"], "ProfileId": profile["ProfileId"]}
    return {"PhysicalResourceId": partner["Arn"], "Data": data}
