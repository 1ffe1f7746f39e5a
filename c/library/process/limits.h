/* limits.h - the program's limits on memory. */
#ifndef LB_LIMITS_H
#define LB_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

/* prlimit(2) of this process as the program sees it. Away from home the kernel's RLIMIT_AS and
 * RLIMIT_DATA are higher by lb_own_bytes(), so the program has the room that it would have at home. Return 0 or a
 * negative error. `limit`: the soft and the hard one, in bytes. */
int64_t lb_limit_get(uint32_t resource, uint64_t limit[2]) LB_HIDDEN;
int64_t lb_limit_set(uint32_t resource, const uint64_t limit[2]) LB_HIDDEN;
/* The library's memory has become more or less, or so many bytes more are to be mapped. */
void lb_limits_follow(uint64_t coming) LB_HIDDEN;
/* Whether these are the program's own, and not the kernel's. */
bool lb_limit_is_ours(uint32_t resource) LB_HIDDEN;
/* Whether this node lets a process have these limits on memory: 0 or -LB_E_LIMIT. */
int lb_limits_fit(const uint64_t (*limits)[2]) LB_HIDDEN;

#endif
