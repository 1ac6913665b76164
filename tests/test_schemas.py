"""The published schemas: what is in `grammar/` is what the code generates, and it agrees with what the code reads and writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from bandolo import load_policy
from bandolo.export.application_schema import application_schema, schema_errors
from bandolo.export.decision_schema import decision_schema
from bandolo.export.policy_schema import file_schema, policy_schema
from bandolo.export.published import published
from bandolo.pipeline import load
from bandolo.surfaces.intake import read_applications
from small import policy

ROOT = Path(__file__).parents[1]
POLICIES = [
    *sorted((ROOT / "policies").glob("*_202[23].yaml")),
    *sorted((ROOT / "tests/policies").glob("*2025.yaml")),
]
EXAMPLES = sorted((ROOT / "policies/examples").iterdir())


class _AsEditorsRead(yaml.SafeLoader):
    """YAML as an editor's language server types it: dates stay text."""


_AsEditorsRead.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def as_editors_read(text: str) -> Any:
    return yaml.load(text, Loader=_AsEditorsRead)


@pytest.mark.parametrize("name", sorted(published()))
def test_the_generated_files_are_current(name: str) -> None:
    """`make schemas` rewrites them."""
    assert (ROOT / "grammar" / name).read_text(encoding="utf-8") == published()[name]


@pytest.mark.parametrize("path", POLICIES, ids=lambda p: p.stem)
def test_an_amendment_and_cases_fit_their_schemas(path: Path) -> None:
    for kind, files in (("amendment", "*.yaml"), ("cases", "*.cases.yaml")):
        for file in path.parent.glob(files):
            text = file.read_text(encoding="utf-8")
            if kind == "cases" or "\namends:" in text:
                assert not list(Draft202012Validator(file_schema(kind)).iter_errors(as_editors_read(text))), file


@pytest.mark.parametrize("path", POLICIES, ids=lambda p: p.stem)
def test_a_policy_that_reads_fits_the_schema_of_policies(path: Path) -> None:
    errors = list(Draft202012Validator(policy_schema()).iter_errors(as_editors_read(path.read_text(encoding="utf-8"))))
    assert not errors


SLIPS = {
    "an unknown key": ("policy:\n", "policy:\n  titel: x\n"),
    "an unknown section": ("policy:\n", "polices: 1\npolicy:\n"),
    "an effect that does not exist": ("otherwise: reject", "otherwise: refuse"),
    "a key of another section": ("requirements:\n", "requirements:\n  project: {x: {check: a, otherwise: reject, points: 3}}\n"),
    "a required key left out": ("bandolo: 1\n", ""),
}
SMALL = """bandolo: 1
policy:
  id: small
  title: Small
  decides: project
entities:
  project:
    facts:
      a: boolean
requirements:
  project:
    ok:
      check: a
      otherwise: reject
"""


@pytest.mark.parametrize("slip", SLIPS, ids=list(SLIPS))
def test_reader_and_schema_refuse_the_same_slips(slip: str) -> None:
    old, new = SLIPS[slip]
    if slip == "a key of another section":
        text = SMALL.replace("      otherwise: reject\n", "      otherwise: reject\n      points: 3\n")
    else:
        text = SMALL.replace(old, new)
    assert text != SMALL
    validator = Draft202012Validator(policy_schema())
    assert not load("small.yaml", SMALL.encode()).diagnostics
    assert not list(validator.iter_errors(as_editors_read(SMALL)))
    assert load("small.yaml", text.encode()).diagnostics
    assert list(validator.iter_errors(as_editors_read(text)))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_decisions_fit_their_published_schema(path: Path) -> None:
    policy = load_policy(ROOT / "policies" / f"{path.stem.partition('-')[0]}.yaml")
    validator = Draft202012Validator(decision_schema())
    for submitted in read_applications((str(path),)):
        decision = policy.decide(submitted.data, assume=True, as_of="2023-03-01")
        assert not list(validator.iter_errors(json.loads(decision.to_json())))


def test_json_examples_fit_the_schema_of_applications() -> None:
    for path in (p for p in EXAMPLES if p.suffix == ".json"):
        policy = load_policy(ROOT / "policies" / f"{path.stem.partition('-')[0]}.yaml")
        assert not schema_errors(application_schema(policy.core), json.loads(path.read_text(encoding="utf-8")))


def test_the_schema_of_applications_lists_every_error_with_its_path() -> None:
    policy = load_policy(ROOT / "policies/bando_2023.yaml")
    data = {"mark_a_coherence": "seventy", "partners": [{"size": "tiny", "typo": 1}]}
    errors = schema_errors(application_schema(policy.core), data)
    assert [e.partition(":")[0] for e in errors] == ["$.mark_a_coherence", "$.partners[0]", "$.partners[0].size"]


def test_a_choice_with_labels_gives_them_to_forms_and_is_still_refused_in_few_words() -> None:
    made = policy("""
    choices: {size: {small: {it: Piccola, en: Small}, large: {it: Grande, en: Large}}, kind: [a, b]}
    entities: {project: {facts: {size: size, kind: kind, sizes: list of size}}}
    requirements: {project: {r: {check: size = small and kind = a and count(sizes) > 0, otherwise: reject}}}
    """)
    schema = application_schema(made.core, "it")
    labelled = {"oneOf": [{"const": "small", "title": "Piccola"}, {"const": "large", "title": "Grande"}]}
    facts = schema["properties"]
    assert facts["size"]["anyOf"][0] == labelled
    assert facts["sizes"]["anyOf"][0]["items"] == labelled
    assert facts["kind"]["anyOf"][0] == {"enum": ["a", "b"]}
    assert application_schema(made.core, "en")["properties"]["size"]["anyOf"][0]["oneOf"][1]["title"] == "Large"
    assert not schema_errors(schema, {"size": "small", "kind": "a", "sizes": ["large"]})
    assert schema_errors(schema, {"size": "tiny", "sizes": ["huge"]}) == [
        "$.size: 'tiny' is not one of ['small', 'large']",
        "$.sizes[0]: 'huge' is not one of ['small', 'large']",
    ]
