"""One seam for everything that runs somebody's code, and the machine that implements it."""
