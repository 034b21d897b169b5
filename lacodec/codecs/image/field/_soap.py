"""SOAP, an optimiser: Adam along the axes in which the gradients of a layer vary, which are found anew every few steps.

Synthesis networks are small, so that it costs next to nothing beside a step's gradients.
Vyas et al., SOAP: Improving and Stabilizing Shampoo using Adam, https://arxiv.org/abs/2409.11321
"""

import numpy as np

_FIRST, _SECOND, _AXES = 0.9, 0.999, 0.98  # of the past, that stays: mean, squares, what the axes are found from
_EVERY, _OFTEN = 10, 10  # steps between two sets of axes, after the first steps, in which they are found each time
_SMALL = 1e-8
_MOST = 64.0  # of weights, as the decoder has it


class Layer:
    """Weights [inputs, outputs], or of a filter [outputs, inputs, height, width], and biases [outputs]; float32, with slopes."""

    def __init__(self, weights: tuple[np.ndarray, np.ndarray], biases: tuple[np.ndarray, np.ndarray]) -> None:
        """Both as (values, slopes), which stay where they are."""
        self._weights, self._biases = (tuple(map(_as_matrix, pair)) for pair in (weights, biases))
        rows, columns = len(self._weights[0]) + 1, self._weights[0].shape[1]
        self._means, self._squares = np.zeros((rows, columns)), np.zeros((rows, columns))
        self._across, self._along = np.zeros((rows, rows)), np.zeros((columns, columns))
        self._axes = np.eye(rows), np.eye(columns)
        self._number = 0

    def step(self, rate: float) -> None:
        """Down the gradient, which is zero afterwards."""
        self._number += 1
        gradient = np.concatenate([self._weights[1], self._biases[1]]).astype(np.float64)
        self._across += (1.0 - _AXES) * (gradient @ gradient.T - self._across)
        self._along += (1.0 - _AXES) * (gradient.T @ gradient - self._along)
        if self._number <= _OFTEN or self._number % _EVERY == 0:
            self._turn(np.linalg.eigh(self._across)[1], np.linalg.eigh(self._along)[1])
        first, second = self._axes
        self._means += (1.0 - _FIRST) * (gradient - self._means)
        self._squares += (1.0 - _SECOND) * (np.square(first.T @ gradient @ second) - self._squares)
        mean = first.T @ self._means @ second / (1.0 - _FIRST**self._number)
        turned = mean / (np.sqrt(self._squares / (1.0 - _SECOND**self._number)) + _SMALL)
        change = first @ (turned * (rate / max(1.0, float(np.sqrt(np.square(turned).mean()))))) @ second.T
        for (values, slopes), part in ((self._weights, change[:-1]), (self._biases, change[-1:])):
            values -= part
            np.clip(values, -_MOST, _MOST, out=values)
            slopes[:] = 0.0

    def _turn(self, first: np.ndarray, second: np.ndarray) -> None:
        """To new axes: squares along them are those along the old ones, as far as these go their way."""
        across, along = np.square(first.T @ self._axes[0]), np.square(second.T @ self._axes[1])
        self._squares = across @ self._squares @ along.T
        self._axes = first, second


def _as_matrix(array: np.ndarray) -> np.ndarray:
    """A view: [inputs, outputs]; biases are one row."""
    return array.reshape(len(array), -1).T if array.ndim == 4 else np.atleast_2d(array)
