"""Sets of pictures of one size: the value (`value`), and the files that hold them (`files`)."""
