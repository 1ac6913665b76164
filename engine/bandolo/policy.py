"""What a host program holds: a loaded policy that decides applications. Frozen, and safe to share among threads."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, get_args

from bandolo import limits
from bandolo.cache import entries
from bandolo.check import core
from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError, errors
from bandolo.evaluate.decide import Identity, changes_said, decide
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.settle import AS_OF_UNKNOWN, Changes, Settled, settle
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.evaluate.watching import watched
from bandolo.language import calendar
from bandolo.language.functions import Conventions
from bandolo.language.types import DATE, DATETIME, Language
from bandolo.language.values import Fault, Unknown, Value
from bandolo.plan.keeping import Programs
from bandolo.records import dataclass, field
from bandolo.source import SourceFile, read_bytes
from bandolo.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from bandolo.agenda import Agenda
    from bandolo.explain.explained import Explained
    from bandolo.pipeline import Loaded
    from bandolo.plan.program import Program

KIND = "policy"
"""What an entry of the cache holds; another kind may stand beside it under the same name."""

AsOf = date | datetime | str | None
Engine = Literal["auto", "compiled", "reference"]
"""Who computes a decision: the reference, the policy's program, or the program once it is worth compiling. All give the same."""
QUICK: tuple[Engine, ...] = ("auto", "compiled")
"""Those that decide a complete application at once, where a program is at hand."""
Text = core.Policy
"""What a policy means, with the acts that reach an application."""


@dataclass(frozen=True)
class Policy:
    """A checked policy. `load_policy` makes one; it can be sent to another process. `core` is the policy as meant, for tools."""

    core: core.Policy
    settled: Settled
    amendments: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...] = field(repr=False)
    """The policy's file and those of its amendments, for the texts that hold where an amendment does not reach."""
    conditional: tuple[bool, ...] = ()
    """Of each amendment, whether it reaches only some applications (`applies_to`)."""
    kept: bool = field(default=False, compare=False, repr=False)
    """Whether it may be taken from the cache, and put there."""
    variants: dict[tuple[int, ...], Policy] = field(default_factory=dict, compare=False, repr=False)
    _loaded: list[Loaded] = field(default_factory=list, compare=False, repr=False)
    programs: Programs = field(default_factory=Programs, compare=False, repr=False)

    @property
    def id(self) -> str:
        return self.core.id

    @property
    def loaded(self) -> Loaded:
        """What the files are at every stage of reading; a policy from the cache is read when this is first asked for."""
        if not self._loaded:
            from bandolo.pipeline import load

            (path, content), *acts = self.files
            self._loaded.append(load(path, content, acts))
        return self._loaded[0]

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that did not keep it from loading."""
        return self.loaded.diagnostics

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.files, _to_bytes(self), self.kept)

    @property
    def digest(self) -> str:
        """The digest of what the policy says, amendments included; layout and comments do not matter."""
        return self.core.digest

    @property
    def compiled(self) -> Program | None:
        """The policy's program, compiled now if it has not been: `compiled.unsupported` names what is always left to the reference.

        None where parameters speak of the clock: their values would change with every decision.
        """
        program = self.programs.program(self.core, self.settled, Changes(), True)
        if program is not None:
            self._keep_at_hand(program)
        return program

    def decide(
        self,
        application: Mapping[str, Any],
        *,
        as_of: AsOf = None,
        set: Mapping[str, Any] | None = None,
        readings: Mapping[str, str] | None = None,
        assume: bool | Sequence[str] = False,
        trace: bool = False,
        engine: Engine = "auto",
    ) -> Decision:
        """The decision on an application given as a mapping of facts.

        Amounts, rates and numbers are text, int, Decimal or Fraction; a float is refused. `as_of` is the clock: a date (its start), an
        instant, or text; without it what depends on the clock is undetermined. `set`, `readings` and `assume` are what-ifs and are
        listed in the decision. `engine` changes the time it takes, never what comes out; a trace is always the reference's.

        Raises ApplicationError if the data is bad, PolicyError if a what-if is.
        """
        at_once = self.programs.at_once
        if at_once is not None and as_of is None and not (set or readings or assume or trace) and engine in QUICK:
            found = at_once(application) if watched() is None else None
            if found is not None:
                return found
        if engine not in get_args(Engine):
            raise ValueError(f"an engine is one of {', '.join(get_args(Engine))}, not {engine!r}")
        clock, shown = self.clock(as_of)
        changes = self.changes(set or {}, readings or {}, assume)
        return self._decide(application, clock, shown, changes, trace, engine)

    def decide_json(self, application: bytes | bytearray | memoryview) -> bytes:
        """From the JSON of an application to that of its decision, the bytes of `decide(...).to_json()`: for portals.

        Raises ApplicationError as `decide`, with what is wrong with the text itself.
        """
        if not isinstance(application, bytes):
            if not isinstance(application, bytearray | memoryview):
                raise TypeError(f"the JSON of an application is needed here as bytes, not as {type(application).__name__}")
            application = bytes(application)
        written = self.programs.decide_json(application)
        if written is None:
            if len(application) > limits.APPLICATION_BYTES:
                raise ApplicationError([Diagnostic("too-large", args={"limit": limits.APPLICATION_BYTES})])
            try:
                text = application.removeprefix(BOM_UTF8).decode()
            except UnicodeDecodeError as error:
                line = application[: error.start].count(b"\n") + 1
                raise ApplicationError([Diagnostic("not-utf8", path="$", args={"line": line})]) from None
            from bandolo.evaluate.data import read_json

            data, diagnostics = read_json(text, "")
            if diagnostics:
                raise ApplicationError(diagnostics)
            written = self.decide(data).to_json()
        return written.encode()

    def calendar(
        self,
        application: Mapping[str, Any] | None = None,
        *,
        events: Mapping[str, Any] | None = None,
        as_of: AsOf = None,
        set: Mapping[str, Any] | None = None,
        readings: Mapping[str, str] | None = None,
        assume: bool | Sequence[str] = False,
    ) -> Agenda:
        """The deadlines and terms of the policy, of an application or of what is known of none yet.

        `events` are facts of the root, as `{"ranking_published_on": "2023-03-30"}` (of one stage: `"works_end_on at payment"`); they go
        before those of the application. `as_of` marks what is past and what is next. The other arguments are those of `decide`.

        Raises ApplicationError if the application is bad data, PolicyError if an event or another what-if is.
        """
        from bandolo import agenda as agendas

        clock, shown = self.clock(as_of)
        changes = self.changes(set or {}, readings or {}, assume)
        events = events or {}
        data, found = agendas.with_events(self.core, application or {}, events)
        if found:
            raise PolicyError(found)
        texts, open_ = self.texts(data, clock, changes)
        made = []
        for text in texts:
            said = changes_said(text.core, changes)
            given = tuple(f"{name} = {value}" for name, value in events.items())
            settled = text.settled_as(changes, clock)
            agenda, diagnostics = agendas.agenda(text.core, settled, text.identity(shown), data, given, said)
            if agenda is None:
                of_events = [d for bad in diagnostics if (d := agendas.is_of_event(bad, events)) is not None]
                raise PolicyError(of_events) if of_events else ApplicationError(diagnostics)
            made.append(agenda)
        return made[0] if len(made) == 1 else agendas.agreed(made, open_)

    def text_of(self, decision: Decision) -> Text:
        """The text that made a decision: the policy, or the policy without the acts that do not reach the application; else ValueError.

        Where it is open which acts reach, a decision tells of more than one text: what the first lacks is taken from the others.
        """
        texts = [text.core for text in (self, *self.variants.values())]
        first = next((text for text in texts if text.digest == decision.policy_digest), None)
        if first is None:
            raise ValueError(f"this decision is of another policy: {decision.policy_id} {decision.policy_digest}")
        # A trace knows values by the nodes that were evaluated: another load of the same file has the same nodes anew.
        first = getattr(decision.trace, "policy", first)
        from dataclasses import replace

        told = {r.id for r in decision.requirements} <= first.requirements.keys()
        if told and {(r.entity, r.name) for r in decision.result_values} <= first.definitions.keys():
            return first
        others = [text for text in texts if text is not first]
        return replace(
            first,
            requirements=first.requirements | {k: v for t in others for k, v in t.requirements.items() if k not in first.requirements},
            definitions=first.definitions | {k: v for t in others for k, v in t.definitions.items() if k not in first.definitions},
            parameters=first.parameters | {k: v for t in others for k, v in t.parameters.items() if k not in first.parameters},
        )

    def explain(self, decision: Decision, lang: Language = "en") -> Explained:
        """Why a decision came out as it did: a page as Markdown, plain text or data.

        ValueError unless `decide(..., trace=True)` of this policy made the decision, and for a language that there is not.
        """
        from bandolo.explain.explained import explained

        _spoken(lang)
        return explained(self.text_of(decision), decision, lang)

    def trace(self, decision: Decision) -> list[dict[str, object]]:
        """Every value that a traced decision rests on, in the order in which they were computed. ValueError as for `explain`."""
        from bandolo.explain.trace import trace_rows

        return trace_rows(self.text_of(decision), decision)

    def schema(self, lang: Language = "en") -> dict[str, Any]:
        """The JSON Schema (2020-12) of an application, its labels in a language: for forms, and to refuse a wrong shape early.

        ValueError for a language that there is not.
        """
        from bandolo.export.application_schema import application_schema

        _spoken(lang)
        return application_schema(self.core, lang)

    def _decide(
        self, application: Mapping[str, Any], clock: Value, shown: str | None, changes: Changes, trace: bool, engine: Engine
    ) -> Decision:
        texts, open_ = self.texts(application, clock, changes)
        decisions = [text.decide_as_amended(application, clock, shown, changes, trace, engine) for text in texts]
        if len(decisions) == 1:
            return decisions[0]
        from bandolo.reach import agreed

        return agreed(decisions, open_)

    def texts(self, application: Mapping[str, Any], clock: Value, changes: Changes) -> tuple[list[Policy], list[Unknown | Fault]]:
        """The texts that may hold for an application, and what leaves it open which of them does."""
        if not self._reach_is_asked:
            return [self], []
        from bandolo.reach import texts_that_reach

        return texts_that_reach(self, application, clock, changes)

    def with_acts(self, chosen: tuple[int, ...]) -> Policy:
        """The policy with only some of its amendments, by their positions."""
        if len(chosen) == len(self.amendments):
            return self
        if chosen not in self.variants:
            # Two threads may both make one: they make the same.
            (path, content), *acts = self.files
            self.variants[chosen] = policy_from_bytes(path, content, [acts[i] for i in chosen], cached=self.kept)
        return self.variants[chosen]

    def decide_as_amended(
        self,
        application: Mapping[str, Any],
        clock: Value,
        shown: str | None,
        changes: Changes,
        trace: bool,
        engine: Engine = "reference",
    ) -> Decision:
        """The decision with all amendments in force, whether or not they reach the application."""
        settled = self.settled_as(changes, clock)
        if engine != "reference" and not trace and watched() is None:
            program = self.programs.program(self.core, settled, changes, engine == "compiled")
            if program is not None:
                from bandolo.plan.planned import decide_compiled

                self._keep_at_hand(program)
                found = decide_compiled(program, settled, changes, self.identity(shown), application)
                if found is not None:
                    return found
        decision, diagnostics = decide(self.core, settled, changes, self.identity(shown), application, trace)
        if decision is None:
            raise ApplicationError(diagnostics)
        return decision

    def _keep_at_hand(self, program: Program) -> None:
        programs = self.programs
        if program is programs.plain and programs.at_hand is None and program.whole is not None and not self._reach_is_asked:
            programs.keep_at_hand(program, self.settled, self.identity(None))

    @property
    def _reach_is_asked(self) -> bool:
        """Whether it depends on the application which amendments reach it."""
        return any(self.conditional)

    def settled_as(self, changes: Changes, clock: Value) -> Settled:
        """The settings under a what-if; PolicyError if it breaks what must hold of them."""
        if changes == Changes():
            if clock is AS_OF_UNKNOWN:
                return self.settled
            if not self.programs.speaks_of_clock(self.core):
                from dataclasses import replace

                return replace(self.settled, settings=replace(self.settled.settings, as_of=clock))
        settled, found = settle(self.core, changes, clock)
        if errors(found):
            raise PolicyError(found)
        return settled

    def identity(self, as_of: str | None) -> Identity:
        """What is said of the making of a decision, or of a calendar."""
        return Identity(__version__, self.amendments, as_of, self.digest)

    def clock(self, as_of: AsOf) -> tuple[Value, str | None]:
        """The instant that `as_of` stands for, and how the decision shows it; PolicyError if it is none."""
        if as_of is None:
            return AS_OF_UNKNOWN, None
        conventions = self.core.conventions
        try:
            if isinstance(as_of, str) and len(as_of) == 10:
                as_of = read_value(as_of, DATE, conventions)  # type: ignore[assignment]
            if isinstance(as_of, date) and not isinstance(as_of, datetime):
                return calendar.instant(datetime(as_of.year, as_of.month, as_of.day), conventions.time_zone), as_of.isoformat()
            moment = read_value(as_of, DATETIME, conventions)
            assert isinstance(moment, datetime)
            return moment, calendar.wall_time(moment, conventions.time_zone).isoformat()
        except BadValue as bad:
            raise PolicyError([Diagnostic(bad.code, path="as_of", args=bad.args_)]) from None
        except calendar.OutOfRange:
            raise PolicyError([Diagnostic("no-such-date", path="as_of", args={"found": str(as_of), "currency": "", "limit": 0})]) from None

    def changes(self, set: Mapping[str, Any], readings: Mapping[str, str], assume: bool | Sequence[str]) -> Changes:
        """A what-if, checked: known names, right types. Raises PolicyError."""
        from bandolo.diagnostics.spelling import nearest

        found: list[Diagnostic] = []
        values: dict[str, Value] = {}
        for name, raw in set.items():
            if name not in self.core.parameters:
                args = {"name": name, "nearest": nearest(name, self.core.parameters)}
                found.append(Diagnostic("unknown-parameter", path=f"set.{name}", args=args))
                continue
            try:
                values[name] = parameter_value(raw, self.core.parameters[name], self.core.conventions)
            except BadValue as bad:
                found.append(Diagnostic(bad.code, path=f"set.{name}", args=bad.args_))
        for name, option in readings.items():
            if name not in self.core.readings:
                args = {"kind": "reading", "name": name, "nearest": nearest(name, self.core.readings)}
                found.append(Diagnostic("unknown-of-kind", path=f"readings.{name}", args=args))
            elif not isinstance(option, str) or option not in self.core.readings[name].options:
                known = list(self.core.readings[name].options)
                near = nearest(str(option), known)
                found.append(
                    Diagnostic(
                        "unknown-option",
                        path=f"readings.{name}",
                        args={"name": option, "reading": name, "nearest": near, "options": ", ".join(known)},
                    )
                )
        names = () if isinstance(assume, bool) else (assume,) if isinstance(assume, str) else tuple(assume)
        for name in names:
            if name not in self.core.parameters or self.core.parameters[name].assume is None:
                found.append(Diagnostic("nothing-to-assume", path=f"assume.{name}", args={"name": name}))
        if found:
            raise PolicyError(found)
        return Changes(values, dict(readings), assume if isinstance(assume, bool) else frozenset(names))


def _spoken(lang: str) -> None:
    """Raises ValueError for a language that nothing is said in: it often comes from a request."""
    languages = get_args(Language)
    if lang not in languages:
        raise ValueError(f"there is no language `{lang}`: {', '.join(languages)}")


def parameter_value(raw: Any, parameter: core.ParameterDeclaration, conventions: Conventions) -> Value:
    """A value set from outside, spelt as in a policy or given as a Python value."""
    from bandolo.evaluate.data import Plain
    from bandolo.language.types import ListType
    from bandolo.language.values import ListValue, Member

    if isinstance(parameter.type, ListType):
        if not isinstance(raw, str | list | tuple):
            raise BadValue("wrong-data", {"expected": parameter.type, "found": str(raw)[:60]})
        items = raw.strip("[] ").split(",") if isinstance(raw, str) else raw
        texts = [Plain(i.strip()) if isinstance(i, str) else i for i in items if i != ""]
        return ListValue(tuple(Member(read_value(i, parameter.type.item, conventions)) for i in texts))
    return read_value(Plain(raw) if isinstance(raw, str) else raw, parameter.type, conventions)


def load_policy(path: str | Path, *, amendments: str | Path | Sequence[str | Path] = ()) -> Policy:
    """The policy in a file, with amending acts applied in order.

    Raises PolicyError with every diagnostic of the files if there is an error, OSError if a file cannot be read.
    """
    content = read_bytes(path, limits.POLICY_BYTES)
    paths = [amendments] if isinstance(amendments, str | PathLike) else amendments
    acts = [(str(a), read_bytes(a, limits.POLICY_BYTES)) for a in paths]
    return policy_from_bytes(str(path), content, acts, cached=True)


def policy_from_bytes(path: str, content: bytes, amendments: Sequence[tuple[str, bytes]] = (), *, cached: bool = False) -> Policy:
    """As `load_policy`, from the bytes of the files; `cached` says whether the cache of compiled policies may be used."""
    files = ((path, content), *amendments)
    name = entries.name_of(files) if cached and entries.folder() is not None else None
    if name is not None:
        policy = _from_bytes(files, entries.read(name, KIND), kept=True)
        if policy is not None:
            return policy
    from bandolo.pipeline import load

    loaded = load(path, content, amendments)
    if loaded.policy is None or loaded.settled is None:
        raise PolicyError(list(loaded.diagnostics))
    names = tuple(act.id for act in loaded.amendments)
    conditional = tuple(act.applies_to is not None for act in loaded.amendments)
    policy = Policy(loaded.policy, loaded.settled, names, files, conditional, kept=cached, _loaded=[loaded])
    if name is not None:
        _keep(name, policy)
    return policy


def _keep(name: str, policy: Policy) -> None:
    from bandolo.cache.coding import NotCoded

    with suppress(NotCoded, RecursionError):  # what cannot be kept is read again
        entries.write(name, KIND, _to_bytes(policy))


def _to_bytes(policy: Policy) -> bytes:
    """What a policy says, as data of which nothing is executed when it is read."""
    from bandolo.cache.coding import encode

    return encode((policy.core, policy.amendments, policy.conditional), [path for path, _ in policy.files])


def _from_bytes(files: Sequence[tuple[str, bytes]], content: bytes | None, kept: bool) -> Policy | None:
    """The policy that such data says, of the given files; None where it is none, or speaks of what this machine does not know."""
    if content is None:
        return None
    from bandolo.cache.coding import NotCoded, decode

    try:
        sources = [SourceFile(path, text.decode("utf-8-sig")) for path, text in files]
        meant, amendments, conditional = decode(content, sources)
        settled, found = settle(meant, Changes(), AS_OF_UNKNOWN)
        calendar.zone(meant.conventions.time_zone)
        if errors(found) or (meant.conventions.working_days is not None and not calendar.has_calendar(*meant.conventions.working_days)):
            return None
    except (NotCoded, ValueError, TypeError, AttributeError, LookupError, ImportError, OSError):
        return None
    return Policy(meant, settled, amendments, tuple(files), conditional, kept)


def _unpickled(files: tuple[tuple[str, bytes], ...], content: bytes, kept: bool) -> Policy:
    """The policy in another process; read again where that knows other places or time zones."""
    (path, text), *acts = files
    return _from_bytes(files, content, kept) or policy_from_bytes(path, text, acts)
