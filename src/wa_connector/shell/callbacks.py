"""What stands for a callback that nobody gave. Imports nothing: the faces name these in their signatures."""


def silently(_: object) -> None:
    """Told of something by whoever has nobody to tell."""


def never() -> bool:
    """Asked whether to stop, by whoever is not to."""
    return False
