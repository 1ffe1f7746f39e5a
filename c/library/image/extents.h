/* extents.h - data and holes of the file of a mapping; holes are zeros. */
#ifndef LB_EXTENTS_H
#define LB_EXTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

typedef int lb_stretch_fn(uint64_t start, uint64_t end, bool hole, void *context);
/* Calls `each` for the stretches of the whole mapping [start, end) of a file, in order, until it returns non-zero.
 * Returns that or an error. Where it is not known what is a hole, all is data. */
int lb_stretches_each(uint64_t start, uint64_t end, lb_stretch_fn *each, void *context) LB_HIDDEN;

#endif
