"""Tokens: whole numbers that a model has made of a picture, each the place of a word in its book."""
