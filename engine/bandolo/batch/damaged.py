"""What is wrong with a file that is no table, or only half of one: Arrow's exceptions as coded diagnostics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pyarrow as pa

from bandolo.batch.tables import BadTables

T = TypeVar("T")
COLUMNS = re.compile(r"CSV parse error: Expected (\d+) columns, got (\d+): (.*)", re.DOTALL)


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Whatever Arrow cannot read inside is raised as BadTables.

    Codes: `damaged-table`, `csv-row`, `csv-cell`, `not-utf8`, `no-applications`. A file that the system does not give stays an OSError.
    """
    try:
        yield
    except MemoryError:
        raise
    except UnicodeDecodeError:  # the headings of a CSV file
        raise BadTables("not-utf8", line=_line(path, _is_no_utf8)).of(path) from None
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _told(path, str(error)) from None


def each(path: str, items: Iterable[T]) -> Iterator[T]:
    """The items of what reads a file, under the same care."""
    left = iter(items)
    while True:
        with reading(path):
            try:
                item = next(left)
            except StopIteration:
                return
        yield item


def _told(path: str, why: str) -> BadTables:
    if (row := COLUMNS.match(why)) is not None:
        wanted, found, text = row.groups()
        line = _line(path, lambda content: content.rstrip(b"\r\n").decode("utf-8", "replace") == text)
        return BadTables("csv-row", line=line, found=int(found), wanted=int(wanted)).of(path)
    if "invalid UTF8" in why:
        return BadTables("not-utf8", line=_line(path, _is_no_utf8)).of(path)
    if "straddling object" in why:
        return BadTables("csv-cell").of(path)
    if "Empty CSV file" in why:
        return BadTables("no-applications").of(path)
    return BadTables("damaged-table", path=path).of(path)


def _is_no_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return True
    return False


def _line(path: str, is_it: Callable[[bytes], bool]) -> int | str:
    """The number of the first line of which something holds; a question mark where there is none."""
    with open(path, "rb") as file:
        return next((number for number, content in enumerate(file, 1) if is_it(content)), "?")
