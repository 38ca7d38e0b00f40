"""All kinds, loaded: importing this fills the registry."""

import importlib
import pkgutil

from anomaly.injector import kinds
from anomaly.injector.registry import KINDS

for _module in pkgutil.iter_modules(kinds.__path__):
    importlib.import_module(f"{kinds.__name__}.{_module.name}")

__all__ = ["KINDS"]
