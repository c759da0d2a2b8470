"""The front page of the report: headline numbers in words and in a picture."""

import base64

import pandas as pd

from anatomy.closing_words import lines_of_networks

# docutils refuses lines of more than 10,000 characters
LINE = 1000


def front_page(summary: pd.DataFrame, picture: bytes) -> str:
    """Text in reStructuredText, which the report's first page takes in.

    Parameters
    ----------
    summary : tidy table of headline numbers
    picture : the same as a picture, PNG
    """
    parts = []
    for network, lines in lines_of_networks(summary).items():
        parts += [f"**{network}**", "\n".join(f"- {_escaped(line)}" for line in lines)]
    parts.append(_image(picture))
    return "\n\n".join(parts) + "\n"


def _image(picture: bytes) -> str:
    """A picture that is part of the text, in lines that docutils takes in."""
    address = "data:image/png;base64," + base64.b64encode(picture).decode()
    lines = [address[start : start + LINE] for start in range(0, len(address), LINE)]
    options = [":width: 100%", ":alt: Headline numbers of all networks"]
    return ".. image:: " + "\n   ".join([*lines, *options])


def _escaped(text: str) -> str:
    """Text in which nothing is markup."""
    return "".join(f"\\{sign}" if sign in "\\*`_|:" else sign for sign in text)
