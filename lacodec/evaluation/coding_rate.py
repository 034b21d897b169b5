"""Coding rate of feature vectors and its reduction by classes: how compact classes are, how far apart.

Yu, Chan, You, Song and Ma: "Learning diverse and discriminative representations via the principle of maximal coding rate
reduction", 2020; the same measure is what CRATE's layers optimise (Yu and others, 2023).
"""

import numpy as np

from lacodec.errors import BadInput


def coding_rate(features: np.ndarray, error: float) -> float:
    """Bits per vector of float[n, d] up to a mean squared error of `error` squared: 1/2 log2 det(I + d / (n error^2) Z'Z).

    It is the rate of a Gaussian with the same second moments, so vectors are usually centred and scaled to length 1 before.
    Raises BadInput for other shapes, no vectors, an error that is not above 0, and values that are not finite.
    """
    z = np.asarray(features, np.float64)
    if z.ndim != 2 or not z.size or not np.isfinite(z).all():
        raise BadInput(f"features of shape {list(z.shape)}; give finite numbers as [vectors, dimensions], at least one")
    if not error > 0:
        raise BadInput(f"an error of {error}; give one above 0")
    count, dimensions = z.shape
    gram = z @ z.T if count < dimensions else z.T @ z  # both determinants are the same
    values = np.clip(np.linalg.eigvalsh(gram), 0, None)
    return float(0.5 * np.log2(1 + values * dimensions / (count * error**2)).sum())


def rate_reduction(features: np.ndarray, labels: np.ndarray, error: float) -> float:
    """The coding rate of all vectors less that of the classes, each weighted by its share: int[n] labels -> bits per vector.

    Raises BadInput as `coding_rate` does, and for labels that are not one for each vector.
    """
    z, classes = np.asarray(features), np.asarray(labels)
    whole = coding_rate(z, error)
    if classes.shape != z.shape[:1]:
        raise BadInput(f"{list(classes.shape)} labels for {len(z)} vectors; give one for each")
    parts = [(float(np.mean(classes == one)), z[classes == one]) for one in np.unique(classes)]
    return whole - sum(share * coding_rate(part, error) for share, part in parts)
