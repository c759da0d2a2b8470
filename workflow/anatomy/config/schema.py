"""The configuration's JSON schema and the tables of its keys, both made from the models.

`python -m anatomy.config.schema` says whether config/config.schema.json and the tables in config/README.md are in step
with the models, and with `--write` it brings them in step.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, NoDefault
from pydantic_core import core_schema

from anatomy.config.base import NAME_PATTERN
from anatomy.config.configuration import Configuration
from anatomy.documentation import ROOT, check_or_write, fill, markdown_table
from anatomy.stimuli.sources import SOURCES

SCHEMA = ROOT / "config" / "config.schema.json"
README = ROOT / "config" / "README.md"
# where the README has the tables of sources of stimuli to which it gives no place of their own
FURTHER_SOURCES = "FurtherSources"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
HEADER = ("key", "allowed", "default", "meaning")
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
}
Schema = dict[str, Any]


class _WithComputedDefaults(GenerateJsonSchema):
    """Gives also the defaults that the models compute, such as lists."""

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        if "default_factory" in schema:
            return schema["default_factory"]()
        return schema.get("default", NoDefault)


def make_schema() -> Schema:
    """JSON schema (draft 2020-12) of the configuration, with the description and default of every key."""
    schema = Configuration.model_json_schema(schema_generator=_WithComputedDefaults)
    return {"$schema": DIALECT} | schema


def key_tables() -> dict[str, str]:
    """Name of every model -> its keys, as a Markdown table."""
    schema = make_schema()
    models = {schema["title"]: schema} | schema["$defs"]
    return {name: _key_table(model, schema["$defs"]) for name, model in models.items()}


def documents() -> dict[Path, str]:
    """The schema and the README as they should be."""
    return {
        SCHEMA: json.dumps(make_schema(), indent=1, ensure_ascii=False) + "\n",
        README: with_tables(README.read_text(encoding="utf-8"), key_tables()),
    }


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """The text with each model's table in its place, or among those of further sources."""
    sections = {SOURCES.load(name).SECTION.__name__: name for name in SOURCES.names}
    further = {name: table for name, table in tables.items() if name in sections}
    further = {
        name: table for name, table in further.items() if f"<!-- table {name} -->" not in text
    }
    placed = {name: table for name, table in tables.items() if name not in further}
    headed = [f"\n### Source `{sections[name]}`\n\n{table}" for name, table in further.items()]
    return fill(text, placed | {FURTHER_SOURCES: "".join(headed)})


def _key_table(model: Schema, models: Schema) -> str:
    required = model.get("required", [])
    rows = [
        (f"`{key}`", allowed(own), _default(own, key in required), _meaning(own, models))
        for key, own in model["properties"].items()
    ]
    return f'<a id="{_anchor(model["title"])}"></a>\n\n{markdown_table(HEADER, rows)}'


def allowed(schema: Schema) -> str:
    """What a key may hold, in words."""
    if "$ref" in schema:
        anchor = _anchor(_referred(schema))
        return f"[{anchor.replace('-', ' ')}](#{anchor})"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    for alternatives in ("anyOf", "oneOf"):
        if alternatives in schema:
            known = [part for part in schema[alternatives] if part.get("type") != "null"]
            return " or ".join(allowed(part) for part in known)
    if schema["type"] == "array":
        return _list(schema)
    if schema["type"] == "object":
        (values,) = schema["patternProperties"].values()
        return f"names, each with a section: {allowed(values)}"
    return _scalar(schema)


def _list(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"list of {len(schema['prefixItems'])}: {allowed(schema['prefixItems'][0])}"
    return f"list of: {allowed(schema['items'])}"


def _scalar(schema: Schema) -> str:
    if schema.get("pattern") == NAME_PATTERN:
        return "name"
    limits = [f"{sign} {schema[key]}" for key, sign in LIMITS.items() if key in schema]
    return " ".join([TYPES[schema["type"]], ", ".join(limits)]).strip()


def _default(schema: Schema, required: bool) -> str:
    if required:
        return "required"
    if schema["default"] is None:
        return "absent"
    if "$ref" in schema:
        return "its defaults"
    return f"`{json.dumps(schema['default'])}`"


def _meaning(schema: Schema, models: Schema) -> str:
    """The key's own description, or that of the section it holds; a lone constant says which section it is in."""
    if "description" in schema:
        return schema["description"]
    if "const" in schema:
        return "tells this kind of section from the others"
    sentence = models[_referred(schema)]["description"].split("\n\n")[0].rstrip(".")
    return sentence[0].lower() + sentence[1:]


def _anchor(model: str) -> str:
    """Anchor of a model's table: its name in small letters, words joined by hyphens."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", model).lower()


def _referred(schema: Schema) -> str:
    return schema["$ref"].rsplit("/", 1)[-1]


if __name__ == "__main__":
    check_or_write(documents())
