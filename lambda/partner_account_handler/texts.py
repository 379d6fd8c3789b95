"""What can't be part of a name: unresolved expressions and invisible characters. Pure; the construct uses it too.

A legal name can't be changed once a partner has it, and the service takes almost any character.
"""

import re
import unicodedata
from collections.abc import Iterator

# The first that matches is reported.
_UNRESOLVED = (
    (
        # A text is ${Token[…]}, a list #{Token[…]}, a number -1.8881545…e+289; cutting one may leave either end.
        re.compile(
            r"[$#]\{token\[|token\[\w+\.|token\[[\w.]*\Z|\[token\.\d|\d\]\}|-1\.888\d*e\+289|-?188815458970\d{6}",
            re.IGNORECASE,
        ),
        "contains a fragment of a CDK token; pass the token unmodified",
    ),
    (
        re.compile(r"\{\{\s*resolve:(secretsmanager|ssm-secure):", re.IGNORECASE),
        "holds {{resolve:…}} of a secret, which CloudFormation doesn't resolve here; use {{resolve:ssm:…}}",
    ),
    (re.compile(r"\{\{|\}\}"), "holds {{…}}, which is unresolved; use the value itself"),
    (re.compile(r"\$\{"), "holds ${…}, which is unresolved; use Fn.sub, or an f-string"),
    (re.compile(r"\{'(Ref|Fn::\w+)'|\bAWS::[A-Z]"), "holds a CloudFormation function as text; use the token itself"),
    (
        re.compile(
            r" object at 0x[0-9a-f]|<(bound method|class|function|module|MagicMock) |<\w+\.\w+: ", re.IGNORECASE
        ),
        "holds the name of a Python object; use its value, such as .value_as_string or .to_string()",
    ),
    (re.compile(r"\A\s*None\s*\Z"), 'is "None", as Python writes a missing value; set the value'),
)

# What Unicode calls default ignorable outside of these categories, and the blank Braille pattern.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")
_UNSEEN_CATEGORIES = {"Cf", "Zl", "Zp"}
# Persian and the languages of India need them, although they are invisible.
_JOINERS = "\u200c\u200d"
_UNKNOWN = "\ufffc\ufffd"
_UNKNOWN_CATEGORIES = {"Co", "Cn"}


def text_errors(text: str, *, joiners: bool = False) -> Iterator[str]:
    """Yield the mistakes in a text, without repeating the text; `joiners` may be in a text that isn't a name."""
    for pattern, error in _UNRESOLVED:
        if pattern.search(text):
            yield error
            break
    for character in dict.fromkeys(text.translate(dict.fromkeys(map(ord, _JOINERS))) if joiners else text):
        if flaw := _flaw(character):
            position = text.index(character) + 1
            yield f"holds U+{ord(character):04X}, which {flaw}, as character {position}; remove it"


def blank_errors(text: str) -> Iterator[str]:
    """Yield the extra spaces in a legal name, which can't be changed later."""
    if text.strip() and text[0].isspace():
        yield "begins with a space; remove it"
    if text.strip() and text[-1].isspace():
        yield "ends with a space; remove it"
    for run in re.finditer(r"(?<=\S)\s{2,}(?=\S)", text):
        yield f"has {len(run[0])} spaces in a row from character {run.start() + 1}; leave one"


def _flaw(character: str) -> str | None:
    if character > _UNKNOWN[-1]:
        return None  # the service itself refuses those beyond
    category = unicodedata.category(character)
    if category in _UNSEEN_CATEGORIES or _UNSEEN.match(character):
        return "is invisible"
    if category in _UNKNOWN_CATEGORIES or character in _UNKNOWN:
        return "is no known character"
    return None


def composed(text: str) -> str:
    """The text with letters and their marks as one character each (NFC), unless a character would be replaced.

    A name copied from a macOS file name, for example, is decomposed. NFC would replace some ideographs, and a company
    may insist on its own.
    """
    is_lossless = all(unicodedata.is_normalized("NFC", character) for character in text)
    return unicodedata.normalize("NFC", text) if is_lossless else text
