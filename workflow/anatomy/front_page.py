"""The front page of the report: headline numbers in words and in a picture."""

import base64

import pandas as pd

from anatomy.closing_words import lines_of_networks


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
    encoded = base64.b64encode(picture).decode()
    parts.append(
        f".. image:: data:image/png;base64,{encoded}\n   :width: 100%\n   :alt: Headline numbers of all networks"
    )
    return "\n\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    """Text in which nothing is markup."""
    return "".join(f"\\{sign}" if sign in "\\*`_|:" else sign for sign in text)
