"""The configuration's documentation: schema, README and shipped files are in step with the models."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from anatomy.config.configuration import Configuration
from anatomy.config.schema import README, SCHEMA, documents, key_tables, make_schema
from anatomy.config.validation import validate
from anatomy.documentation import outdated
from anatomy.errors import InputError

CONFIG = Path(__file__).parents[2] / "config"
WHOLE = sorted(CONFIG.glob("*.yaml"))
OVERLAYS = sorted((CONFIG / "presets").glob("*.yaml"))


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two configurations merged key by key, as Snakemake does with several --configfile."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = laid_over(merged[key], value) if both else value
    return merged


def models() -> dict[str, dict[str, Any]]:
    schema = make_schema()
    return {schema["title"]: schema} | schema["$defs"]


def test_schema_file_and_readme_are_in_step_with_the_models() -> None:
    late = outdated(documents())
    assert not late, f"{late}: run `python -m anatomy.config.schema --write`"


def test_an_edited_readme_or_a_missing_schema_is_noticed(tmp_path: Path) -> None:
    wanted = {tmp_path / path.name: text for path, text in documents().items()}
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    assert outdated(wanted) == []
    (tmp_path / SCHEMA.name).unlink()
    readme = tmp_path / README.name
    readme.write_text(wanted[readme].replace("| `threshold` | number", "| `threshold` | integer"))
    assert outdated(wanted) == list(wanted)


def test_every_key_has_a_description_in_its_table() -> None:
    for name, table in key_tables().items():
        rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
        assert [row[0].strip("| `") for row in rows] == list(models()[name]["properties"])
        for row in rows:
            assert len(row) == 4, row
            assert len(row[-1].strip("| ")) > 5, row


def test_every_section_has_a_description() -> None:
    for name, model in models().items():
        assert model.get("description"), name
        assert model["additionalProperties"] is False, name


def test_ranges_and_defaults_are_those_of_the_models() -> None:
    table = key_tables()["Circuits"]
    assert "| `threshold` | number > 0, ≤ 1 or list of: number > 0, ≤ 1 | `0.9` | share of" in table
    assert "| `score` | `absolute_per_image` or `absolute_per_position` or " in table
    assert "| `refinement` | whole number ≥ 0, ≤ 50 | `4` |" in table
    assert (
        '| `kinds` | list of: `synapse` or `node` | `["synapse", "node"]` |'
        in key_tables()["Knockouts"]
    )
    assert "| `mean` | list of 3: number | absent |" in key_tables()["PreprocessingOverrides"]


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_shipped_configurations_are_valid(path: Path) -> None:
    assert isinstance(validate(read(path)), Configuration)
    jsonschema.validate(read(path), make_schema())


def test_the_examples_of_the_readme_are_valid() -> None:
    text = (CONFIG.parent / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        assert validate(yaml.safe_load(example)).circuits is not None


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_overlays_are_valid_over_every_configuration_and_change_it(
    path: Path, overlay: Path
) -> None:
    merged = laid_over(read(path), read(overlay))
    assert validate(merged) != validate(read(path))


def test_the_published_variant_of_circuits() -> None:
    merged = laid_over(
        read(CONFIG / "config.yaml"), read(CONFIG / "presets" / "andrade_konkle.yaml")
    )
    circuits = validate(merged).circuits
    assert (circuits.score, circuits.normalisation) == ("signed", "minmax")
    assert (circuits.scope, circuits.criterion) == ("joint", "csa")


@pytest.mark.parametrize(
    ("key", "value"),
    [("threshold", 1.3), ("threshold", "0.5"), ("thresold", 0.5), ("score", "unsigned")],
)
def test_the_schema_refuses_what_the_models_refuse(key: str, value: Any) -> None:
    raw = read(CONFIG / "config.yaml")
    raw["circuits"] = raw["circuits"] | {key: value}
    with pytest.raises(InputError, match=key):
        validate(raw)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(raw, make_schema())


def keys(raw: Mapping[str, Any], model: str = "Configuration") -> Iterator[tuple[str, str]]:
    """(model, key) of every key of a configuration, found by walking the schema."""
    properties = models()[model]["properties"]
    for key, value in raw.items():
        yield model, key
        own = properties[key]
        if "patternProperties" in own:
            (inner,) = own["patternProperties"].values()
            for section in value.values():
                yield from keys(section, _model_of(inner, section))
        elif isinstance(value, Mapping):
            yield from keys(value, _model_of(own, value))


def _referred(schema: dict[str, Any]) -> Iterator[str]:
    """The models that a schema allows, itself or as one of its alternatives."""
    if "$ref" in schema:
        yield schema["$ref"].rsplit("/", 1)[-1]
    for part in (*schema.get("anyOf", []), *schema.get("oneOf", [])):
        yield from _referred(part)


def _model_of(schema: dict[str, Any], section: Mapping[str, Any]) -> str:
    """The model that a section belongs to: the one alternative that its keys fit and its source names."""
    (name,) = [
        name
        for name in _referred(schema)
        if models()[name]["properties"].get("source", {}).get("const") == section.get("source")
    ]
    return name


@pytest.mark.parametrize("path", [*WHOLE, *OVERLAYS], ids=lambda path: path.stem)
def test_all_keys_of_shipped_files_are_documented(path: Path) -> None:
    readme = README.read_text(encoding="utf-8")
    found = set(keys(read(path)))
    assert len(found) > 4
    for model, key in found:
        table = readme.split(f"<!-- table {model} -->")[1].split("<!-- end of table -->")[0]
        assert f"| `{key}` |" in table, (model, key)
