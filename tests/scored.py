"""Draw labels and probabilities for the tests of the scores."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def labelled(draw) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels of both classes, and tied probabilities."""
    size = draw(st.integers(2, 60))
    labels = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    labels[0], labels[-1] = True, False
    values = draw(st.lists(st.integers(0, 12), min_size=size, max_size=size))
    return np.array(labels, np.float32), np.array(values) / 12
