"""The errors that a user can mend."""


class InputError(ValueError):
    """Something given by the user cannot be used; the message names the key or file in one sentence."""
