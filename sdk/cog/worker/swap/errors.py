"""Why a swap does not happen. Apart, as every worker may have to name one of them."""


class NotSafe(Exception):
    """The process cannot go on with the new source; the message says what stands against it."""


class Broken(Exception):
    """A file cannot be read as Python: the code stays as it is, and so does the process."""
