"""Published quantisers of weight matrices, one short file each, with all the bits that their formats need.

Each takes a matrix f32[rows, columns] and gives a `Coded`. All but `trellis` lose to the integer grid of codec `weights` at every
size where they were measured (`weights_sections`, docs/weights-quantised.md), so they are no part of the codec. Tests of what
defines each are in tests/codecs/weights/test_profiles.py.
"""
