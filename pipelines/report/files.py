"""Writing a finished file in one step: a reader sees the old file or the new one, never half of one."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from anomaly.errors import KwhyError


def write_text(target: Path, text: str, *, encoding: str = "utf-8") -> Path:
    """Write text and return the path. Raises KwhyError when the place cannot be written."""
    return write_whole(target, lambda path: path.write_bytes(text.encode(encoding)))


def write_whole(target: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a file beside the target, then put it in the target's place."""
    target = Path(target)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(beside)
        beside.replace(target)
    except OSError as error:
        raise KwhyError(
            f"cannot be written: {error.strerror or error}",
            where=str(target),
            todo="name a place you may write to",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return target
