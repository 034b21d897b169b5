"""Where a block's model starts when a language model joins in: the text model of effort 8, primed, with three more inputs."""

import numpy as np

from lacodec.codecs.text.lm.setup import INPUTS, WITH_LANGUAGE
from lacodec.codecs.text.model import Model
from lacodec.codecs.text.setup import setup
from lacodec.codecs.text.slots import LANGUAGE, WIDTH, Coder
from lacodec.codecs.text.start import primed, trained
from lacodec.codecs.text.state import weight_sets


def joined(
    primer: int, size: int, stream: np.ndarray, weights: tuple[int, ...], others: int, *, decoding: bool
) -> tuple[Coder, Model]:
    """Coder and model for a block of `size` bytes behind a primer, which is read without the language model.

    weights: of what that says, at the start; others: sixteenths that are left of the other inputs' weights. The last selector
    chose by something else before, so its sets start anew.
    """
    plan = setup(WITH_LANGUAGE.effort - 1)
    coder, model = primed(plan, primer, size, stream, decoding=decoding)
    numbers, inputs = coder.plan.copy(), np.zeros(WITH_LANGUAGE.width, np.int32)
    numbers[WIDTH], numbers[LANGUAGE] = WITH_LANGUAGE.width, 1
    inputs[WITH_LANGUAGE.constant] = coder.inputs[plan.constant]
    before = coder.weights.reshape(-1, plan.width)
    before[-weight_sets(plan)[-1] :] = trained(plan).weights[-1]
    rows = np.zeros((len(before), WITH_LANGUAGE.width), np.int32)
    rows[:, : plan.constant] = before[:, : plan.constant] * others >> 4
    rows[:, plan.constant : plan.constant + INPUTS] = weights
    rows[:, WITH_LANGUAGE.constant] = before[:, plan.constant]
    return coder._replace(plan=numbers, inputs=inputs, weights=rows.reshape(-1)), model
