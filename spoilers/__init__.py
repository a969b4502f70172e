"""Predict whether a book review contains a spoiler: `from spoilers import SpoilerDetector`."""

__all__ = ["Prediction", "SpoilerDetector"]


def __getattr__(name: str) -> object:
    """Import the detector when it is asked for: it needs PyTorch, whose import takes seconds."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from spoilers.prediction import detector

    return getattr(detector, name)
