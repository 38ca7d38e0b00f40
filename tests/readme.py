"""The README as its readers meet it: its commands are taken from its text, nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def shell_commands() -> list[str]:
    """What stands in the README's shell blocks, one command each."""
    return [block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)]


def after_installing(command: str) -> list[str]:
    """The words of the part after `pip install … &&`."""
    install, _, then = command.partition(" && ")
    if not install.startswith("pip install ") or not then:
        raise ValueError(f"not of the form `pip install … && …`: {command}")
    return then.split()
