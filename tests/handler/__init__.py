"""The Lambda function: decisions, stories over the wire, histories, and the built asset."""
