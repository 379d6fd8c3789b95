"""The entry point of `partner-account`. It needs only Python itself, so that it can report what is missing."""

import sys


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    try:
        from partner_account_cli.command_line import partner_account  # noqa: PLC0415 - it may be what is missing

        partner_account()
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("partner_account_cli"):
            raise
        print(  # noqa: T201 - click may be missing
            f"Error: the Python package {error.name} is not installed.\n"
            "Install the extra that this command needs: pip install 'cdk-partner-account[cli,local-aws]'.",
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
