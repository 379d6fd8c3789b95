"""The command partner-account."""
