"""What a file is that is no EPW: told by its first bytes, with what to do about it."""

from __future__ import annotations

_BEGINS = (
    (b"PK\x03\x04", "is a zip archive; unpack it, and give the .epw in it"),
    (b"\x1f\x8b", "is compressed by gzip; unpack it"),
    (b"\xff\xfe", "is in UTF-16, which EnergyPlus does not read; save it as UTF-8 without a mark at the beginning"),
    (b"\xfe\xff", "is in UTF-16, which EnergyPlus does not read; save it as UTF-8 without a mark at the beginning"),
    (
        b"\xef\xbb\xbf",
        "begins with a byte order mark, for which EnergyPlus does not find the place; save it as UTF-8 without one",
    ),
)
_WORDS = (
    ("sizingperiod:", "looks like a DDY, the design days beside a weather file; give the .epw"),
    ("statistics for", "looks like a STAT file, the statistics of a weather file; give the .epw"),
    ("<html", "is a page of the web; the download went wrong"),
)
_LOOKED_AT = 4000  # bytes


def what_it_is(content: bytes) -> str:
    """Return what is the matter with a file that does not begin with LOCATION; "" when that cannot be told."""
    for begin, text in _BEGINS:
        if content.startswith(begin):
            return text
    start = content[:_LOOKED_AT].decode("latin-1")
    first = start.partition("\n")[0].upper()
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if first.startswith(f"LOCATION{sign}"):
            return f"has {name} between its columns; EnergyPlus reads commas: save it as CSV with commas"
    folded = start.casefold()
    return next((text for word, text in _WORDS if word in folded), "")
