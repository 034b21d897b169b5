"""Numbers of columns, sets of tables and sizes that the kernel and its setup share. Frozen with stream version 6."""

RETURNS, TIME, CLASS, FLAGS, ANGLE, USER, SOURCE, Z, X, Y, INTENSITY, RED, GREEN, BLUE, INFRARED = range(15)
NAMES = (
    "returns",
    "time",
    "classification",
    "flags",
    "scan_angle",
    "user_data",
    "point_source_id",
    *("z", "x", "y", "intensity", "red", "green", "blue", "infrared"),
)
"""Of the columns that are coded together, in the order in which those of a point are."""
COLUMNS = len(NAMES)
STEADY = 4  # columns from FLAGS on that seldom change

PLACES = 256  # different values of returns or of classes
MOST_STEPS = 512  # of time that have numbers; 0 stands for all others

BINS = 40  # of expected errors, two to an octave of sixteenths
COARSEST = 9  # lowest bits of an error that are no part of its token, at most: with those in a token, 17

KINDS = 4  # of returns: the only one, the first of several, one in between, the last
GROUNDS = 2  # of classes: the most frequent one, others
SURPRISES = 3  # how far x was off: as expected, more, four times as much
TOLD = 3  # of colours: as before, changed, changed by much

# The first set of tables of each kind.
OF_RETURNS = 0  # by the returns before, at most 31
OF_TIME = OF_RETURNS + 32  # by the number of the step before, at most 31; whether the returns go on
OF_CLASS = OF_TIME + 64  # by the class before, at most 7; kind of return
OF_CHANGES = OF_CLASS + 8 * KINDS  # whether the returns go on; whether something changed the last time
OF_STEADY = OF_CHANGES + 4  # by column
OF_SIZE = OF_STEADY + STEADY  # bits of numbers that no token has
OF_STEP = OF_SIZE + 1
OF_Z = OF_STEP + 1
OF_X = OF_Z + KINDS * GROUNDS * BINS  # whether time went on
OF_Y = OF_X + 2 * BINS  # the same, and how far x was off
OF_INTENSITY = OF_Y + 2 * SURPRISES * BINS
OF_RED = OF_INTENSITY + KINDS * BINS  # whether the returns go on
OF_COLOURS = OF_RED + 2 * BINS  # for green, blue, infrared: what is told
TABLES = OF_COLOURS + 3 * TOLD * BINS
