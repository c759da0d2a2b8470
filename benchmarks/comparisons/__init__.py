"""The project's steps beside the libraries and plain scripts that one would otherwise use."""
