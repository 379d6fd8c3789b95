"""The Lambda function behind ``Custom::PartnerAccount``.

CloudFormation's event enters in `index`, becomes one `Request`, walks through `lifecycle`, `create` or
`update`, and leaves as one answer. Only `aws` talks to AWS.
"""
