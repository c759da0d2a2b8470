"""Networks: architectures, weights, their traced graph and the parts that are cut from it."""
