"""The simulated Partner Central, as boto3 and the AWS CLI see it."""
