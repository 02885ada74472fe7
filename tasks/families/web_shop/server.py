"""The service `shop`: makes the package `shop` of the modules in its data, and serves them.

A sandbox starts one file and gives it `DATA` and `PORT`; see `shop/__init__.py`.
"""

import json
import sys
import types
from typing import Any


def load(modules: dict[str, str]) -> Any:
    """The package's module `serving`. `modules`: name -> source, each after those that it needs."""
    package = sys.modules["shop"] = types.ModuleType("shop")
    package.__path__ = []
    for name, source in modules.items():
        module = sys.modules[f"shop.{name}"] = types.ModuleType(f"shop.{name}")
        module.__package__ = "shop"
        setattr(package, name, module)
        exec(compile(source, f"<shop/{name}.py>", "exec"), vars(module))
    return sys.modules["shop.serving"]


if __name__ == "__main__":
    data = json.loads(globals()["DATA"])
    load(data["modules"]).serve(data, globals()["PORT"])
