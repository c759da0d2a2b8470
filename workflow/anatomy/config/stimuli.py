"""Configuration of stimulus sets: one section for each source."""

from functools import reduce
from operator import or_
from typing import Annotated, Literal

from pydantic import Field

from anatomy.errors import InputError
from anatomy.stimuli.sources import SOURCES, Source


def _section(name: str) -> type[Source]:
    section = SOURCES.load(name).SECTION
    if section.model_fields["source"].annotation != Literal[name]:
        raise InputError(f'stimuli/sources/{name}.py: its source must be a Literal["{name}"]')
    return section


Stimuli = Annotated[reduce(or_, map(_section, SOURCES.names)), Field(discriminator="source")]
