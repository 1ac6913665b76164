"""What `check` looks at: policies with their sources' texts, amendments with what they amend, case files with their policies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bandolo import limits
from bandolo.diagnostics import Diagnostic, in_order
from bandolo.pipeline import Loaded, load, quotes
from bandolo.source import read_bytes
from bandolo.surfaces.beside import read_beside
from bandolo.surfaces.intake import not_readable
from bandolo.testing.cases import read_cases
from bandolo.testing.mutation.equivalent import read_equivalent


def check_path(path: str, amendments: tuple[str, ...]) -> Iterator[tuple[str, list[Diagnostic]]]:
    """Each file that a path stands for, with its diagnostics."""
    folder = Path(path)
    if not folder.is_dir():
        yield path, _check_file(Path(path), amendments)
        return
    files = [f for f in sorted(folder.glob("*.yaml")) if kind_of(f) is not None]
    if not files:
        yield path, [Diagnostic("no-policies-here", file=path, args={"path": path})]
    for file in files:
        yield str(file), _check_file(file, amendments)


def kind_of(path: Path) -> str | None:
    """Which kind of file it is, by its first telling key: policy, amendment, cases or equivalent; None for none of them."""
    try:
        head = path.read_bytes()[: limits.POLICY_BYTES].decode("utf-8", "replace")
    except OSError:
        return None
    telling = {"cases": "cases_of", "amendment": "amends", "equivalent": "equivalent_of", "policy": "(policy|bandolo)"}
    for kind, key in telling.items():
        pattern = rf"(?m)^{key}\s*:"
        if re.search(pattern, head):
            return kind
    return None


def _check_file(path: Path, amendments: tuple[str, ...]) -> list[Diagnostic]:
    try:
        kind = kind_of(path) or "policy"
        if kind == "cases":
            return read_cases(path)[1]
        if kind == "equivalent":
            return read_equivalent(path)[1]
        if kind == "amendment":
            return _check_amendment(path)
        acts = [(a, read_bytes(a, limits.POLICY_BYTES)) for a in amendments]
        loaded = load(str(path), read_bytes(path, limits.POLICY_BYTES), acts)
        return _with_quotes(loaded)
    except OSError as error:
        return [not_readable(str(error.filename or path), error)]


def _check_amendment(path: Path) -> list[Diagnostic]:
    content = read_bytes(path, limits.POLICY_BYTES)
    amends = re.search(r"(?m)^amends\s*:\s*[\"']?([^\"'\n#]+?)[\"']?\s*(#.*)?$", content.decode("utf-8", "replace"))
    base = path.parent / (amends.group(1) if amends else "")
    loaded = load(str(base), read_bytes(base, limits.POLICY_BYTES), [(str(path), content)])
    return _with_quotes(loaded)


def _with_quotes(loaded: Loaded) -> list[Diagnostic]:
    """The diagnostics of a policy and of its quotes, held against the texts and lists of norms beside it.

    The norms are those of the policy as it was issued: an act that amends it may well replace a passage.
    """
    beside = read_beside(loaded.document.documents if loaded.document is not None else ())
    norms = () if loaded.amendments else beside.norms
    return in_order([*loaded.diagnostics, *beside.diagnostics, *quotes(loaded, beside.texts, norms)])
