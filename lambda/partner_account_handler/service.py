"""Partner Central as its clients address it. Pure constants, which the construct and the command share."""

SERVICE = "partnercentral-account"

SERVICE_REGION = "us-east-1"
"""Of the one endpoint, whatever the stack's region: botocore would build a URL for any without complaint."""

API_VERSION = "2025-04-04"
"""What this package is written for. Unless told, botocore takes the latest version that it finds."""
