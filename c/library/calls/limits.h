/* limits.h - Limits as prlimit(2) tells them to the program. */
#ifndef LB_LIMITS_TOLD_H
#define LB_LIMITS_TOLD_H

#include <stdint.h>

#include "process/process.h"

/* The soft and the hard one; of home where what it limits is there. Returns 0 or -errno. */
int64_t lb_limit_told(uint32_t resource, uint64_t limit[2]) LB_HIDDEN;

#endif
