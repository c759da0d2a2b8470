"""The atlas of a network: pages that show, for every category, unit and concept, what all methods found about it.

It reads tables and pictures alone and never runs a network.
"""
