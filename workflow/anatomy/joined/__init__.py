"""What no single method says: circuits, clusters, labelled units and concept vectors held against each other."""
