/* scheduling.h - scheduling policy, nice value and processors, on each node. */
#ifndef LB_SCHEDULING_H
#define LB_SCHEDULING_H

#include <stdint.h>

#include "process/process.h"

/* At home, before it is left; the calling thread's. Returns 0 or a negative error: this cannot be had elsewhere. */
int lb_scheduling_take(struct lb_thread *thread) LB_HIDDEN;
/* In the restored process away from home, each thread for itself, its first one before all others. Returns 0 or a
 * negative error: it cannot be had here. */
int lb_scheduling_give(const struct lb_thread *thread) LB_HIDDEN;
/* It has changed: this node follows, as far as it can. Returns 0 or a negative error. */
int lb_scheduling_follow(const struct lb_thread *thread) LB_HIDDEN;
void lb_scheduling_follow_cpus(const struct lb_thread *thread) LB_HIDDEN;
/* sched_getattr(2) tells it of some policies only, getpriority(2) of all: as 20 less the value, which is no error. */
int32_t lb_nice_of(int64_t result) LB_HIDDEN;

#endif
