"""Events as sentences that a person reads."""

from collections.abc import Mapping
from string import Formatter
from typing import Any

UNSAID = "(not said)"


def sentence(wording: str, words: Mapping[str, Any]) -> str:
    """Fill the slots of an action's wording; `words` has a text for each, those of details as "details.KEY".

    Not `str.format`: a slot is only ever looked up by its whole name, so no text can reach an attribute.
    """
    parts: list[str] = []
    for text, slot, _, _ in Formatter().parse(wording):
        parts.append(text)
        if slot is not None:
            parts.append(str(words.get(slot) or UNSAID))
    said = "".join(parts)
    return f"{words.get('actor') or UNSAID} {said}" if wording[:1].islower() else said


def shown(value: Any) -> str:
    """A value out of changes or details, in words."""
    match value:
        case None | "":
            return "(empty)"
        case bool():
            return "yes" if value else "no"
        case {"cut": str(kept), "length": length, "sha256": digest}:
            return f"{kept}… (cut; {length} long, SHA-256 {digest})"
        case list():
            return ", ".join(shown(each) for each in value) or "(empty)"
        case dict():
            return ", ".join(f"{name}: {shown(each)}" for name, each in value.items()) or "(empty)"
    return str(value)
