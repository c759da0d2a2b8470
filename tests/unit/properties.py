"""Settings of the tests that try all kinds of bad input: the same examples in every run, and as many as time allows.

TIMES_EXAMPLES=100 in the environment tries a hundred times as many.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from anatomy.errors import InputError

TIMES = int(os.environ.get("TIMES_EXAMPLES", "1"))


def examples(number):
    """Settings for so many examples."""
    return settings(
        max_examples=TIMES * number,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def read_or_refused(read, *names):
    """What `read` returns; None where it refuses in one line that holds one of the names."""
    try:
        return read()
    except InputError as error:
        text = str(error)
    assert len(text.splitlines()) == 1
    assert any(str(name) in text for name in names), text
    return None


def changed_bytes(content, data, most=4):
    """The content with a few bytes changed, cut off, doubled or put in."""
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, most))):
        place = data.draw(st.integers(0, max(0, len(content) - 1)))
        kind = data.draw(st.sampled_from(["change", "flip", "cut", "put in", "double"]))
        if kind == "change":
            content[place : place + 1] = bytes([data.draw(st.integers(0, 255))])
        elif kind == "flip":
            content[place : place + 1] = bytes(
                byte ^ (1 << data.draw(st.integers(0, 7))) for byte in content[place : place + 1]
            )
        elif kind == "cut":
            del content[place:]
        elif kind == "put in":
            content[place:place] = data.draw(st.binary(max_size=9))
        else:
            content[place:place] = content[place : place + 20]
    return bytes(content)
