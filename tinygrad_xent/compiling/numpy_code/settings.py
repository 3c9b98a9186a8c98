"""How fast which way is on the machines of today; all sizes in bytes or entries."""

TILE = 1 << 20  # what a loop over rows works on at a time: it stays in a core's own cache
MANY = 1 << 15  # entries from which it pays to set NumPy's buffer to the length of a row
SHORT = 64  # rows up to this length have their maximum found by argmax, whose loop is tighter
LONG = 4096  # rows up to this length are summed by a product with ones
FLAT = 1 << 14  # entries up to which columns are summed so too: one thread of BLAS does it
BLAS_ROWS = 512  # rows of a matrix product that are enough for it to be efficient
BLAS_COLUMNS = 8192  # and columns, where a large product is added to a total
SETTLED = 1 << 8  # entries from which to look for nan is faster than to choose
CHOSEN = 1 << 12  # entries from which where() is faster by bits than by a branch for each
