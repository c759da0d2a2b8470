"""From a dictionary to a checked configuration, or to one sentence that names the key."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from anatomy.config.configuration import Configuration
from anatomy.errors import InputError


def validate(raw: Mapping[str, Any]) -> Configuration:
    """The configuration, with defaults filled in.

    Raises InputError with one sentence for the first error: the key, the value and what is allowed.
    """
    try:
        return Configuration.model_validate(dict(raw))
    except ValidationError as error:
        raise InputError(sentence(_gravest(error.errors()))) from None


def _gravest(errors: list[ErrorDetails]) -> ErrorDetails:
    """An unknown key first: it is often the reason why another one is missing."""
    return min(errors, key=lambda error: error["type"] != "extra_forbidden")


def sentence(error: ErrorDetails) -> str:
    """One sentence about one pydantic error."""
    key = key_of(error)
    kind = error["type"]
    if kind == "extra_forbidden":
        return f"configuration: {key} is not a known key{_suggestion(error)}"
    if kind == "missing":
        return f"configuration: {key} is missing"
    if kind == "value_error":
        message = str(error["ctx"]["error"])
        return f"configuration: {key}: {message}" if key else f"configuration: {message}"
    message = error["msg"][0].lower() + error["msg"][1:]
    if isinstance(error["input"], (dict, list)) and len(str(error["input"])) > 60:
        return f"configuration: {key}: {message}"
    hint = _number_hint(error["input"]) if "number" in message or "integer" in message else ""
    return f"configuration: {key} = {error['input']!r} is not possible: {message}{hint}"


def key_of(error: ErrorDetails) -> str:
    """Dotted key of an error, without the tags that pydantic adds for alternatives."""
    parts: list[str] = []
    tags = {"toybox", "folder", "imagenette"} if error["loc"][:1] == ("stimuli",) else set()
    for position, part in enumerate(error["loc"]):
        if isinstance(part, int):
            parts[-1] += f"[{part}]"
        elif position == 2 and part in tags:
            continue
        elif not (part.startswith(("list[", "literal[", "constrained-")) or part == "[key]"):
            parts.append(part)
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
        if part in annotation.model_fields:
            return _alternatives(annotation.model_fields[part].annotation)
        return [annotation] if _tag(annotation) == part else []
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


def _number_hint(value: Any) -> str:
    if isinstance(value, str):
        try:
            return f" (YAML reads {value} as text; write {float(value)!r})"
        except ValueError:
            return ""
    return ""
