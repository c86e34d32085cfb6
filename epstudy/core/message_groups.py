"""What failures of one cause have in common: a message without what differs from variant to variant."""

from __future__ import annotations

import re

#: Stands where something was left out.
GAP = "…"

#: When it happened in the simulated year, as EnergyPlus appends it.
_OCCASION = r"(?:[Dd]uring[\w &]{1,40},\s*)?\b(?:Environment|Occurrence info)=[^=]*(?:=>[^=]*)*?time=[\d/: -]*\d"

#: An object in a message of the input schema: `<root>[Lights][Core_ZN_Lights][schedule_name]`.
_IN_SCHEMA = r"(?P<root><root>\[[^\]]+\])\[.+?\](?=\[[a-z]|\s-)"

#: A limit of the input schema, which is the field's own and no variant's.
_LIMIT = r"(?P<limit>Expected number (?:greater|less) than (?:or equal to )?\S+)"

#: A place on a machine, quoted or not: absolute, with a drive or with a protocol.
_PLACE = r"(?:/(?=[\w.])|~/|[A-Za-z]:[\\/]|\\\\|[a-z][\w+]*://)"
_PATH = rf"""(?P<quote>["']){_PLACE}.*?(?P=quote)|(?<![\w.\-]){_PLACE}[^\s,;"'()]*[^\s,;"'().:]"""

#: `Zone="CORE_ZN"`, `Lights = CORE_ZN_LIGHTS`, `Inlet Node : LOST NODE`. EnergyPlus writes names in capitals: a value
#: without quotes goes on as long as its words have no small letter. One that begins with others has no certain end.
_CAPITALS = rf"""[^\sa-z,;="'()\[\]{GAP}]*[^\sa-z,;="'()\[\].{GAP}](?=[\s,;.)]|$)"""
_VALUE = rf"""(?P<value>"[^"]*"|'[^']*'|{_CAPITALS}(?: {_CAPITALS}(?!\s*=))*)"""
_LABELLED = rf"(?<![\w:/-])(?P<label>[\w:/-]*[\w)])(?P<sign>\s*=\s*|\s+:\s+){_VALUE}"

#: `"CORE_ZN WATER EQUIPMENT"`: a name in quotes and capitals that no label explains, or a number in quotes.
_QUOTED = r'(?P<quoted>(?<!\w)"(?=[^"]*\w)[^"a-z]+")'

#: Digests and addresses; numbers, dates and times, but no digit of a name or of a version, and no exit code.
_DIGEST = r"\b(?:0x[0-9a-fA-F]+|(?=[a-f]*\d)[0-9a-f]{16,}(?:\.\w+)?)\b"
_NUMBER = (
    r"(?<![\w.:/-])(?<!Errno )(?<!code )(?<!signal )"
    r"[-+]?\.?\d(?:[\d.,:/TEe+-]*\d)?Z?(?![\w-]|\.\w)"
)

_VARYING = re.compile(
    rf"(?P<occasion>{_OCCASION})|{_IN_SCHEMA}|{_LIMIT}|(?P<path>{_PATH})|{_LABELLED}|{_QUOTED}|{_DIGEST}|{_NUMBER}"
)

#: Labels whose value is what is wrong, not the object in which it is: `Component type`, `zone_or_zonelist_name`.
_TELLING = re.compile(r"(?:type|object|field|key|found|_name)$", re.IGNORECASE)
#: What is said of a value that is wrong.
_COMPLAINT = re.compile(
    r",? (?:item )?not found|, invalid key| is (?:not a |in)valid| - Failed to match| not permitted"
)
_NUMERIC = re.compile(r"[\"'(]*[-+]?\.?\d[\d.,:/eE+-]*[\"')]*")
_CRASHED = re.compile(r" *\([\w+-]+ crashed: [^)]*\)$")


def normalised(message: str) -> str:
    """Return what `message` has in common with those of other variants that failed for the same cause.

    "…" stands for what differs between them: names of objects, numbers, dates, paths, digests. What tells the cause
    stays: classes, fields, and the name that was not found, such as that of a schedule. That the process crashed goes
    where something else is said. Normalising twice changes nothing more.
    """
    text = _VARYING.sub(_left_out, _CRASHED.sub("", message.strip()))
    text = re.sub(rf"{GAP}(?:[\s,]+{GAP})+", GAP, re.sub(r"\s+", " ", text))
    return text.strip(" .,")


def _left_out(found: re.Match[str]) -> str:
    if found["occasion"]:
        return ""
    if found["limit"] or (found["label"] and _names_the_wrong(found)):
        return found[0]
    if found["quoted"] and _is_complained_of(found, found["quoted"]):
        return found[0]
    if found["root"]:
        return f"{found['root']}[{GAP}]"
    return f"{found['label']}{found['sign']}{GAP}" if found["label"] else GAP


def _names_the_wrong(found: re.Match[str]) -> bool:
    """Whether the value of a label is what is wrong: a name that was looked for, not the object that wants it."""
    label, value = found["label"], found["value"]
    before = found.string[max(0, found.start() - 100) : found.start()]
    if label.casefold() == "name":  # a word before makes it a field, "Schedule Name = NOPE"; in ", Name=" it is none
        field = label == "Name" and re.fullmatch(rf"[\w{GAP}]\s", before[-2:]) is not None
    else:
        field = _TELLING.search(label) is not None or re.search(r"\b[Ii]nvalid [\w ]*$", before) is not None
    return (field and not _NUMERIC.fullmatch(value)) or _is_complained_of(found, value)


def _is_complained_of(found: re.Match[str], value: str) -> bool:
    return _COMPLAINT.match(found.string, found.end()) is not None and not _NUMERIC.fullmatch(value)
