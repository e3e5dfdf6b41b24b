"""Reading files that somebody else wrote: regular files only, never through a link, never more than agreed."""

import errno
import os
import stat
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
