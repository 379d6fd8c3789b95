"""The Lambda function behind ``Custom::PartnerAccount``.

CloudFormation's event enters in `index`, becomes one `Request`, goes through `lifecycle`, `create` or `update`, and
leaves as one `Answer`. `partner_central` talks to the service; before each change `stack_gate` asks whether the stack
still waits.
"""
