"""The operator's command, `partner-account`. It drives the real cdk CLI; it holds no rule about partners."""
