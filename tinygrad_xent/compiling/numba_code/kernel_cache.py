"""Kernels that numba has compiled, kept in memory and on disk.

The text of kernels is written to a file named after what is in it, in a directory of the user's,
and numba keeps the machine code beside it. `TINYGRAD_XENT_CACHE` names another directory; if it is
empty, or nothing can be written, every process compiles anew.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import warnings
from pathlib import Path
from typing import Any

VARIABLE = "TINYGRAD_XENT_CACHE"
_loaded: dict[str, dict[str, Any]] = {}


def load_kernels(text: str) -> dict[str, Any]:
    """What the text of kernels defines, by name; the same text is compiled once only."""
    if text not in _loaded:
        _loaded.setdefault(text, _load(text))  # another thread may have been here
    return _loaded[text]


def _load(text: str) -> dict[str, Any]:
    directory = cache_directory()
    if directory is not None:
        try:
            return _import(_written(text, directory))
        except (OSError, RuntimeError) as error:  # numba raises the latter
            _notice(directory, error)
    space: dict[str, Any] = {"__name__": "tinygrad_xent_kernels"}
    exec(compile(text.replace(", cache=True", ""), "<kernels>", "exec"), space)
    return space


def cache_directory() -> Path | None:
    """Where kernels are kept; None if the user wants none kept."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return Path(chosen) if chosen else None
    home = Path.home()
    places = {"darwin": home / "Library" / "Caches", "win32": home / "AppData" / "Local"}
    given = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    return (Path(given) if given else places.get(sys.platform, home / ".cache")) / "tinygrad_xent"


def _written(text: str, directory: Path) -> Path:
    """The file with this text, which no other process ever sees half written."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = directory / f"kernels_{digest[:32]}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    return path


def _import(path: Path) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # where numba looks for what it loads
    spec.loader.exec_module(module)
    return vars(module)


def _notice(directory: Path, error: Exception) -> None:
    """Say once that nothing is kept."""
    if not _noticed:
        _noticed.append(True)
        works = f"set {VARIABLE} to a directory that can be written to, or to nothing"
        warnings.warn(
            f"compile: machine code is not kept in {directory} ({error}); {works}", stacklevel=2
        )


_noticed: list[bool] = []
