"""What to do about each error of AWS, in the words of who runs a command."""

_AGAIN = "Try again in a minute."
_LOG_IN = "Log in again (aws sso login, aws login, or new keys), or name another --profile."
_NETWORK = "Check the network, the proxy (HTTPS_PROXY), AWS_ENDPOINT_URL and --endpoint-url."
_CONFIGURE = "Log in (aws sso login), set AWS_PROFILE or AWS_ACCESS_KEY_ID, or name a --profile."

BY_REASON = {
    "LIMIT_EXCEEDED_NUMBER_OF_EMAIL": (
        "Five codes a day are sent to one address: use the newest e-mail, or try again tomorrow."
    ),
    "VERIFICATION_ALREADY_IN_PROGRESS": (
        "Complete it at its completion URL, which `partner-account verification status` tells."
    ),
    "ACCOUNT_ALREADY_VERIFIED": "Nothing is left to do here: `partner-account doctor` tells what else is.",
    "VERIFICATION_NOT_FOUND": "Start it by `partner-account verification start`.",
    "PARTNER_NOT_FOUND": (
        "The partner is gone, though AWS has no call that deletes one: ask AWS Partner support before anything else."
    ),
    "INCOMPATIBLE_BENEFIT_AWS_PARTNER_STATE": "Have AWS Partner support correct the partner's state.",
}
"""By the Reason that Partner Central gives beside the error's code."""

BY_CODE = {
    "ExpiredToken": _LOG_IN,
    "ExpiredTokenException": _LOG_IN,
    "InvalidClientTokenId": _LOG_IN,
    "UnrecognizedClientException": _LOG_IN,
    "InvalidSignatureException": "Correct the secret access key, or the clock of this machine.",
    "SignatureDoesNotMatch": "Correct the secret access key, or the clock of this machine.",
    "ThrottlingException": _AGAIN,
    "Throttling": _AGAIN,
    "InternalServerException": _AGAIN,
    "503": _AGAIN,
    "InvalidRequestException": "Restore the secret if it is marked for deletion (aws secretsmanager restore-secret).",
    "DecryptionFailure": "Allow kms:Decrypt with the key of the store for this identity.",
    "EncryptionFailure": "Allow kms:GenerateDataKey with the key of the store for this identity.",
    "InvalidKeyId": "Allow kms:Encrypt and kms:Decrypt with the parameter's key for this identity.",
    "HierarchyTypeMismatchException": "Name another parameter.",
    "ParameterAlreadyExists": "Somebody else made it at the same moment: look at it, then try again.",
    "ParameterPatternMismatchException": "Name another parameter: this one takes values of another form.",
    "ResourceExistsException": "Somebody else made it at the same moment: look at it, then try again.",
}
"""By the error's code."""

BY_CLASS = {
    "NoCredentialsError": _CONFIGURE,
    "PartialCredentialsError": _CONFIGURE,
    "CredentialRetrievalError": _LOG_IN,
    "TokenRetrievalError": _LOG_IN,
    "SSOTokenLoadError": _LOG_IN,
    "UnauthorizedSSOTokenError": _LOG_IN,
    "LoginRefreshRequired": _LOG_IN,
    "ProfileNotFound": "Name a profile that `aws configure list-profiles` shows.",
    "ConfigParseError": "Correct the file, or name another one by AWS_CONFIG_FILE.",
    "NoRegionError": "Name one by --region or AWS_REGION.",
    "InvalidRegionError": "Name one as `us-east-1` by --region or AWS_REGION.",
    "EndpointConnectionError": _NETWORK,
    "ConnectTimeoutError": _NETWORK,
    "ReadTimeoutError": _NETWORK,
    "ConnectionClosedError": _NETWORK,
    "ProxyConnectionError": "Correct HTTPS_PROXY, or exempt the endpoint by NO_PROXY.",
    "SSLError": "Name the authority's certificate by AWS_CA_BUNDLE, or correct the endpoint's.",
}
"""By the class of botocore's own error."""

SERVICE_OF = {
    "DescribeStacks": "cloudformation",
    "GetTemplate": "cloudformation",
    "ListStackResources": "cloudformation",
    "CreateSecret": "secretsmanager",
    "GetSecretValue": "secretsmanager",
    "PutSecretValue": "secretsmanager",
    "DescribeParameters": "ssm",
    "GetParameter": "ssm",
    "PutParameter": "ssm",
    "GetAccountPlanState": "freetier",
    "DescribeOrganization": "organizations",
    "GetRole": "iam",
    "SimulatePrincipalPolicy": "iam",
}
"""The IAM prefix of each operation that is not Partner Central's."""

OTHERWISE = "Add --debug to see each call and AWS's request id."


def allow(action: str) -> str:
    """The remedy of a denial."""
    return f"Allow {action} for this identity (policy, permissions boundary, SCP), or name another --profile."
