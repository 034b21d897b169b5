"""The text model of effort 8, with what a language model says as one more kind of input."""

from dataclasses import replace

from lacodec.codecs.text.setup import EFFORTS, Setup

WITH_LANGUAGE = Setup(9, replace(EFFORTS[8], language=True))
"""Its last selector chooses weights by what the language model says, its last APM by the byte that it expects."""
INPUTS = 3
"""Mixer inputs from a language model, in front of the last one, which is constant."""
