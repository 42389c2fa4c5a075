"""What reaches the terminal: texts of others may hold commands for it, which are made visible.

Names, titles and messages come from stores, files and hosts of anybody. Everything that the command
prints passes here, whoever prints it: nothing has to be remembered where it is printed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

# C0 but the tabulator and the end of a line, DEL and C1; marks that turn the direction of writing
# or break lines; halves of a pair of UTF-16, which no terminal can be given
_COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""The text with what a terminal would take for a command written as JSON writes it.

    >>> visible("\x1b[2Jhost")
    '\\u001b[2Jhost'
    """
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    r"""The same for a text that must not go on in a line of its own, where it could say anything.

    >>> one_line("host\ndone")
    'host\\u000adone'
    """
    return visible(text).replace("\n", "\\u000a")


class Shielded:
    """A stream that is written to as `visible` has it; else the stream itself.

    Parameters
    ----------
    stream : text stream
        Where it goes.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text; returns its length."""
        self.stream.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after the other."""
        for line in lines:
            self.write(line)

    @property
    def rich_proxied_file(self) -> Any:
        """For what draws with commands of its own, the help and the bar: rich looks here."""
        return getattr(self.stream, "rich_proxied_file", self.stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def shield() -> None:
    """Put a `Shielded` in front of standard output and standard error, unless one is there."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Shielded):
            setattr(sys, name, Shielded(stream))
