"""Reads the properties of a custom resource, whatever their shape: all errors together, and no value in them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from partner_account_handler.errors import RequestError
from partner_account_handler.identity import SCHEMA_VERSION
from partner_account_handler.texts import composed, text_errors


class Fields:
    """Reads a mapping of unknown shape, and records each error instead of stopping at the first.

    Each method reads the member of a name; one that is missing or of another type becomes an error and an empty value.
    """

    def __init__(self, raw: object, path: str = "", errors: list[str] | None = None) -> None:
        self.raw: Mapping[str, object] = raw if isinstance(raw, dict) else {}
        self.path = path
        self.errors: list[str] = [] if errors is None else errors

    @classmethod
    def of_template(cls, raw: object) -> Fields:
        """The ResourceProperties; a RequestError if they are of a newer template than this function supports."""
        fields = cls(raw)
        version = fields.raw.get("SchemaVersion")
        if isinstance(version, str) and re.fullmatch("[0-9]{1,9}", version) and int(version) > SCHEMA_VERSION:
            # Providers are shared: a stack may be deployed by a newer construct than the one that created the function.
            raise RequestError(
                ["the template's SchemaVersion is newer than this function"],
                "Update cdk-partner-account where the provider is made, deploy it, then deploy again.",
            )
        return fields

    def require_none_wrong(self) -> None:
        """Raises a RequestError with all errors so far, if any."""
        if self.errors:
            raise RequestError(self.errors)

    def wrong(self, name: str, error: str) -> None:
        """Records an error of a member."""
        self.errors.append(f"{self.path}{name} {error}")

    def section(self, name: str) -> Fields:
        """A map."""
        raw = self.raw.get(name)
        if not isinstance(raw, dict):
            self.wrong(name, "is not a map")
        return Fields(raw, f"{self.path}{name}.", self.errors)

    def items(self, name: str) -> list[object]:
        """A list; empty if it is missing."""
        raw = self.raw.get(name, [])
        if isinstance(raw, list):
            return raw
        self.wrong(name, "is not a list")
        return []

    def sections(self, name: str) -> list[Fields]:
        """A list of maps; empty if it is missing."""
        parts = {f"{name}[{number}]": part for number, part in enumerate(self.items(name))}
        return [Fields(parts, self.path, self.errors).section(part) for part in parts]

    def text(self, name: str, default: str | None = None) -> str:
        """A string; one without a default must not be empty."""
        value = self.raw.get(name, default)
        if isinstance(value, str) and (value or default is not None):
            return value
        self.wrong(name, f"is {'missing' if value in (None, '') else 'not a string'}")
        return ""

    def name(self, name: str, *, joiners: bool = False) -> str:
        """A text that Partner Central shows to others, in NFC: no unresolved expressions, no invisible characters.

        With `joiners` it may contain joiners nevertheless: some languages need them.
        """
        text = composed(self.text(name))
        if text.isspace():
            self.wrong(name, "is empty")
        for error in text_errors(text, joiners=joiners):
            self.wrong(name, error)
        return text
