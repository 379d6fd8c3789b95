"""The tests; CONTRIBUTING tells which kind stands where."""
