"""The errors that a user can mend."""


class InputError(ValueError):
    """Something given by the user cannot be used; the message names the key or file in one sentence, on one line."""

    def __init__(self, message: str = "") -> None:
        # what is quoted may have lines: a name in a damaged file, an error of a library
        super().__init__(" ".join(message.splitlines()))
