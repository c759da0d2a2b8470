"""From a dictionary to a checked configuration, or to one sentence that names the key."""

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from anatomy.config.configuration import Configuration
from anatomy.errors import InputError
from anatomy.stimuli.sources import SOURCES as STIMULUS_SOURCES

LONGEST_VALUE = 60
# sections in each other; the names of some may have dots, but not so many
DEEPEST = 50
# what pydantic adds to a key for the alternatives of its value
SOURCES = {*STIMULUS_SOURCES.names, "toybox", "folder", "archive"}
FORMS = {"number", "list"}
# where in an error's location they stand: behind which keys, at which place
TAGS = {
    ("stimuli",): {2: SOURCES},
    ("broden",): {1: SOURCES},
    ("identities",): {1: SOURCES},
    ("circuits", "threshold"): {2: FORMS},
    ("activations", "images"): {2: FORMS},
}
# type of a pydantic error -> what the value must be or do
ALLOWED = {
    "greater_than": "be greater than {gt}",
    "greater_than_equal": "be at least {ge}",
    "less_than": "be less than {lt}",
    "less_than_equal": "be at most {le}",
    "multiple_of": "be a multiple of {multiple_of}",
    "finite_number": "be a finite number",
    "int_type": "be a whole number",
    "int_from_float": "be a whole number",
    "int_parsing_size": "be a smaller number",
    "float_type": "be a number",
    "string_type": "be text",
    "string_pattern_mismatch": "begin with a letter and hold only letters, digits and _",
    "list_type": "be a list",
    "tuple_type": "be a list",
    "dict_type": "be a section of keys and values",
    "model_type": "be a section of keys and values",
    "model_attributes_type": "be a section of keys and values",
    "literal_error": "be {expected}",
    "too_short": "have {min_length} or more entries",
    "too_long": "have {max_length} or fewer entries",
}


def validate(raw: Mapping[str, Any]) -> Configuration:
    """The configuration, with defaults filled in.

    Raises InputError with one sentence for the first error: the key, the value and what is allowed.
    """
    _check_plain(raw, "")
    try:
        return Configuration.model_validate(dict(raw))
    except ValidationError as error:
        raise InputError(sentence(_gravest(error.errors()))) from None


def _check_plain(section: Any, where: str) -> None:
    """Refuse what YAML can hold and a configuration cannot: keys that are not text, texts that no file can have."""
    if not where and not isinstance(section, Mapping):
        raise InputError("configuration: it must be a section of keys and values")
    if (
        where.count(".") + where.count("[") > DEEPEST
    ):  # perhaps without end: YAML can put a section into itself
        raise InputError(
            f"configuration: {where[:LONGEST_VALUE]} holds too many sections in each other"
        )
    if isinstance(section, str) and not _is_writable(section):
        raise InputError(
            f"configuration: {where.removesuffix('.')} holds a character that no file can have"
        )
    if isinstance(section, list):
        for place, value in enumerate(section):
            _check_plain(value, f"{where.removesuffix('.')}[{place}].")
    if isinstance(section, Mapping):
        for key, value in section.items():
            if not isinstance(key, str):
                raise InputError(f"configuration: {where}{key!r} is a key that is not text")
            _check_plain(value, f"{where}{key if key.isprintable() else repr(key)}.")


def _is_writable(text: str) -> bool:
    """Whether a file can have the text as its name, and a table as its content."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:  # half a character, as of "\ud800"
        return False


def _gravest(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """The errors of one key: an unknown key first, which is often the reason why another one is missing.

    Several errors of one key are alternatives, none of which was met.
    """
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    return [error for error in errors if key_of(error) == key_of(first)]


def sentence(errors: Sequence[ErrorDetails]) -> str:
    """One sentence about the pydantic errors of one key."""
    error, key = errors[0], key_of(errors[0])
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        return f"configuration: {key} is not a known key{_suggestion(error)}"
    if kind == "union_tag_not_found":
        return f"configuration: {key}.source is missing"
    if kind == "missing":
        return f"configuration: {key} is missing"
    if kind == "value_error" and isinstance(value, Mapping):  # of a section, which says it all
        message = str(error["ctx"]["error"])
        return f"configuration: {key}: {message}" if key else f"configuration: {message}"
    if kind == "union_tag_invalid":
        key, value = f"{key}.source", value["source"]
    if kind == "string_pattern_mismatch":
        return f"configuration: {key}: a name must {ALLOWED[kind]}"
    allowed = " or ".join(dict.fromkeys(_allowed(error) for error in errors))
    return f"configuration: {key}{_shown(value)} is not possible: it must {allowed}{_hint(error)}"


def _shown(value: Any) -> str:
    """The value for a message, unless it is long."""
    text = repr(value)
    return f" = {text}" if len(text) <= LONGEST_VALUE else ""


def _allowed(error: ErrorDetails) -> str:
    """What a value must be or do, to follow "it must"."""
    context = error.get("ctx", {})
    if error["type"] == "value_error":
        return str(context["error"])
    if error["type"] == "union_tag_invalid":
        return "be " + context["expected_tags"].replace(", ", " or ")
    if error["type"] in ALLOWED:
        return ALLOWED[error["type"]].format(**{k: _plain(v) for k, v in context.items()})
    return f"be something else ({error['msg'][0].lower()}{error['msg'][1:]})"


def _plain(value: Any) -> Any:
    """A limit as it is written in the configuration: 1 rather than 1.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _hint(error: ErrorDetails) -> str:
    """Where a text looks like the number that is wanted: how to write it."""
    if not isinstance(error["input"], str) or error["type"] not in ("int_type", "float_type"):
        return ""
    try:
        number = float(error["input"])
    except ValueError:
        return ""
    if not math.isfinite(number) or (error["type"] == "int_type" and not number.is_integer()):
        return ""
    return f" (YAML reads it as text; write {_plain(number)!r})"


def key_of(error: ErrorDetails) -> str:
    """Dotted key of an error, without the tags that pydantic adds for alternatives."""
    parts: list[str] = []
    location = error["loc"]
    tags = next((own for key, own in TAGS.items() if location[: len(key)] == key), {})
    for position, part in enumerate(location):
        if isinstance(part, int):
            parts[-1] += f"[{part}]"
        elif part in tags.get(position, ()):
            continue
        elif not part.startswith(("list[", "literal[", "constrained-")) and part != "[key]":
            parts.append(part if part.isprintable() else repr(part))
    return ".".join(parts)


def _suggestion(error: ErrorDetails) -> str:
    model = _model_at(error["loc"][:-1])
    if model is None:
        return ""
    known = list(model.model_fields)
    close = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known here are {', '.join(known)}"


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that describes the section at a location, found by walking the annotations."""
    candidates: list[Any] = [Configuration]
    for part in location:
        candidates = [inner for outer in candidates for inner in _inside(outer, part)]
    models = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
    return models[0] if models else None


def _inside(annotation: Any, part: int | str) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        # the tag first: a source "folder" also has a key of this name
        if _tag(annotation) == part:
            return [annotation]
        field = annotation.model_fields.get(str(part))
        return [] if field is None else _alternatives(field.annotation)
    arguments = getattr(annotation, "__args__", ())
    return [inner for argument in arguments[-1:] for inner in _alternatives(argument)]


def _alternatives(annotation: Any) -> list[Any]:
    """The members of a union (also behind Annotated), or the annotation itself."""
    if hasattr(annotation, "__metadata__"):
        return _alternatives(annotation.__origin__)
    arguments = getattr(annotation, "__args__", ())
    if arguments and getattr(annotation, "__origin__", None) not in (dict, list, tuple):
        return [inner for argument in arguments for inner in _alternatives(argument)]
    return [annotation]


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("source")
    return field.annotation.__args__[0] if field else None
