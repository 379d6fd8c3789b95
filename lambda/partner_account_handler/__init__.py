"""The Lambda function behind ``Custom::PartnerAccount`` and ``Custom::PartnerProfile``.

CloudFormation's event enters in `index`, becomes one request, goes through `lifecycle` and `create`, `update` or
`profile`, and leaves as one `Answer`. `partner_central` calls the service; before each change `stack_gate` checks
whether the stack still waits.
"""
