"""Deployments by the real cdk CLI on the local AWS."""
