"""What `check` looks at: policies with their sources' texts, amendments with what they amend, case files with their policies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bandolo import limits
from bandolo.diagnostics import Diagnostic, errors, in_order
from bandolo.pipeline import Loaded, load, quotes
from bandolo.source import read_bytes
from bandolo.surfaces.intake import not_readable
from bandolo.testing.cases import read_cases


def check_path(path: str, amendments: tuple[str, ...]) -> Iterator[tuple[str, list[Diagnostic]]]:
    """Each file that a path stands for, with its diagnostics."""
    folder = Path(path)
    if not folder.is_dir():
        yield path, _check_file(Path(path), amendments)
        return
    files = [f for f in sorted(folder.glob("*.yaml")) if _kind(f) is not None]
    if not files:
        yield path, [Diagnostic("no-policies-here", file=path, args={"path": path})]
    for file in files:
        yield str(file), _check_file(file, amendments)


def _kind(path: Path) -> str | None:
    """Which kind of file it is, by its first telling key: policy, amendment or cases; None for none of them."""
    try:
        head = path.read_bytes()[: limits.POLICY_BYTES].decode("utf-8", "replace")
    except OSError:
        return None
    for kind, pattern in (("cases", r"(?m)^cases_of\s*:"), ("amendment", r"(?m)^amends\s*:"), ("policy", r"(?m)^(policy|bandolo)\s*:")):
        if re.search(pattern, head):
            return kind
    return None


def _check_file(path: Path, amendments: tuple[str, ...]) -> list[Diagnostic]:
    try:
        kind = _kind(path) or "policy"
        if kind == "cases":
            return read_cases(path)[1]
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
    """The diagnostics of a policy and of its quotes, held against the texts beside it."""
    found = list(loaded.diagnostics)
    texts: dict[str, str] = {}
    for document in loaded.document.documents if loaded.document is not None else ():
        if document.text is None:
            found.append(Diagnostic("source-without-text", document.name.span, {"document": document.name.name}, severity="warning"))
            continue
        home = Path(document.text.span.source.path).parent
        target = home / document.text.name
        if Path(document.text.name).is_absolute() or ".." in Path(document.text.name).parts:
            found.append(Diagnostic("source-path", document.text.span, {"path": document.text.name}))
            continue
        try:
            texts[document.name.name] = target.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            found.append(Diagnostic("no-source-text", document.text.span, {"document": document.name.name, "path": document.text.name}))
    if not errors(found) or loaded.document is not None:
        found += quotes(loaded, texts)
    return in_order(found)
