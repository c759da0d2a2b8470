"""Which images neurons are clustered on, and in which fold of a cross-validation each image is."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anatomy.canonical import digest
from anatomy.stimuli.stimulus_set import places_in_category


def response_images(categories: pd.Series, number: int | None) -> NDArray[np.int64]:
    """So many images, evenly from all categories: the first of each, then the second of each, and so on.

    Which categories have one more than others, or one at all where there are few images, is drawn by a hash of their
    names: tables of categories begin with one kind.

    Parameters
    ----------
    categories : (image,) category of each image of the split
    number : all when None, or when there are not so many

    Returns
    -------
    (chosen image,) ascending
    """
    drawn = {category: digest(category) for category in categories.unique()}
    order = np.lexsort((categories.map(drawn).to_numpy(str), places_in_category(categories)))
    return np.sort(order[:number])


def folds(categories: pd.Series, number: int) -> NDArray[np.int64]:
    """Fold (image,) of each image: 0 .. number - 1, as many images of each category in each fold as possible.

    The first images of different categories are in different folds, so that folds are of one size also where
    categories have few images.
    """
    category = pd.factorize(categories)[0]
    return (places_in_category(categories) + category) % number
