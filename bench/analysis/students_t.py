"""Student's t distribution for whole degrees of freedom, in closed form, for many values at once."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def two_sided(t: Floats, freedom: int) -> Floats:
    """The probability of a value further from zero than `t`, to within 1e-14.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = np.arctan(t / np.sqrt(freedom))
    cosine, sine = np.cos(angle), np.sin(angle)
    odd = freedom % 2 == 1
    term = np.ones_like(cosine) if not odd else cosine
    total = np.zeros_like(cosine) if freedom == 1 else term.copy()
    for k in range(3 if odd else 2, freedom - 1, 2):
        term = term * cosine**2 * (k - 1) / k
        total = total + term
    inside = 2 / np.pi * (angle + sine * total) if odd else sine * total
    found: Floats = np.maximum(0.0, 1 - np.abs(inside))
    return found
