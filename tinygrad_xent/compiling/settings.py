"""How fast which way is on the machines of today; all sizes in bytes or entries."""

TILE = 1 << 18  # what a loop over rows works on at a time: it stays in the cache nearest to a core
SHORT = 64  # rows up to this length have their maximum found by argmax, whose loop is tighter
LONG = 4096  # rows up to this length are summed by a product with ones
BLAS_ROWS = 512  # rows of a matrix product that are enough for it to be efficient
