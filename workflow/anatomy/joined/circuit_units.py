"""Which units a circuit uses, and how much of each."""

from collections.abc import Mapping

import pandas as pd
from torch import Tensor

from anatomy.networks.connectivity import connected
from anatomy.networks.network import Network


def kept_of_units(network: Network, masks: Mapping[str, Tensor], category: str) -> pd.DataFrame:
    """Share of each unit's incoming weights that lie on a path of the category's circuit.

    A unit from which no kept weight leads on to the output unit has none, whatever the circuit keeps of it.

    Parameters
    ----------
    masks : the circuit, as `anatomy.networks.connectivity.connected` takes it

    Returns
    -------
    layer, unit, kept_fraction; all units of all layers but the output layer
    """
    paths = connected(network, masks, network.output(category))
    tables = []
    for layer in network.layers[:-1]:
        share = paths[layer.name].flatten(1).float().mean(1).cpu().numpy()
        columns = {"layer": layer.name, "unit": range(len(share)), "kept_fraction": share}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)
