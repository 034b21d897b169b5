"""The bytes of JPEG files <-> quantised coefficients and a record of all else."""
