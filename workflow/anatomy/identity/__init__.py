"""The identity task: are two images of the same face, or house? Units that serve it, and what is lost without them."""
