"""The Lambda function behind ``Custom::PartnerAccount``.

CloudFormation's event enters in `index`, becomes one `Request`, goes through `lifecycle`, `create` or `update`, and
leaves as one `Answer`. `partner_central` calls the service; before each change `stack_gate` checks whether the stack
still waits.
"""
