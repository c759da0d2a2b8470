"""One module per rule: each reads a spec, calls the library and writes what the rule declares."""
