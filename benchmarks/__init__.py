"""What this construct costs, beside what users would take instead. Runs by `make bench`; ships in no wheel."""
