"""A progress bar on stderr, where stderr is a terminal and nobody asked for quiet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipelines.terminal.words import words


@contextmanager
def shown_progress(lang: str, *, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """A function of stage and share done (0…1) that moves the bar; the bar vanishes when the block ends."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def moved(stage: str, share: float) -> None:
            text = words(lang).optional(f"stage.{stage}") or stage
            bar.update(task, description=text, total=1.0 if share else None, completed=share)

        yield moved
