"""The cost of this construct, compared with its alternatives. Run by `make bench`; not part of any wheel."""
