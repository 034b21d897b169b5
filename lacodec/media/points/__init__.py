"""Point clouds: the value and the files that hold them."""
