"""Reading files that somebody else wrote: regular files only, never through a link, never more than agreed."""

import csv
import errno
import io
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from execution.engine.vocabulary import Code, Refusal

_REASONS = {
    errno.ENOENT: "does not exist",
    errno.EACCES: "may not be read",
    errno.ELOOP: "is a symbolic link",
    errno.ENXIO: "is not a regular file",
}


def read_regular_file(path: Path, *, limit: int) -> bytes | Refusal:
    """Return the bytes of `path`, at most `limit`, or why it is not read.

    A symbolic link, a pipe or a device is refused without waiting for it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, os.strerror(error.errno or 0))
        return Refusal(Code.ARTIFACT_NOT_READABLE, f"{path} {reason}")
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return Refusal(Code.ARTIFACT_NOT_READABLE, f"{path} is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        return Refusal(Code.ARTIFACT_TOO_LARGE, f"{path} is larger than {limit:,} bytes")
    return content


def read_table(content: bytes, *, columns: Sequence[str]) -> list[tuple[str, dict[str, str]]] | Refusal:
    """Return the rows of a CSV file as (where, values by column), or what is wrong with its form.

    The first line names the columns, in any order and case, all of `columns` among them. What is missing is empty.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Refusal(Code.BAD_TABLE, f"not UTF-8: byte {error.start} cannot be decoded")
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or []]
        if not set(columns) <= set(names) or len(set(names)) < len(names):
            return Refusal(Code.BAD_TABLE, f"line 1 is not a header with the columns {','.join(columns)}")
        reader.fieldnames = names
        return [(f"line {reader.line_num}", {name: row.get(name) or "" for name in names}) for row in reader]
    except csv.Error as error:
        return Refusal(Code.BAD_TABLE, f"line {reader.line_num}: {error}")
