"""The tests; CONTRIBUTING describes where each kind is."""
