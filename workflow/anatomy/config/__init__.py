"""The configuration: its models are the schema, the defaults and the documentation of every key."""
