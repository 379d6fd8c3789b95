"""Partner Central as its clients address it. Pure constants, which the construct and the command share."""

SERVICE = "partnercentral-account"

SERVICE_REGION = "us-east-1"
"""That of the only endpoint, whatever the stack's region: botocore would build a URL for any without an error."""

API_VERSION = "2025-04-04"
"""The version this package is written for. By default botocore uses the latest version that it finds."""
