/* scheduling.h - scheduling policy, nice value and processors, on each node. */
#ifndef LB_SCHEDULING_H
#define LB_SCHEDULING_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/types.h>
#include <linux/sched/types.h>

#include "process/process.h"

#define LB_CPU_WORDS 128 /* CONFIG_NR_CPUS is 8192 at most on x86-64 */
struct lb_cpus {
	uint64_t words[LB_CPU_WORDS];
};

/* As home has it; away calls that change it there note it here. */
struct lb_scheduling {
	struct sched_attr wanted;
	struct lb_cpus chosen; /* by the program, numbered as home's are */
	bool has_chosen;
};
extern struct lb_scheduling lb_scheduling LB_HIDDEN;

/* At home, before it is left. Returns 0 or a negative error: this cannot be had elsewhere. */
int lb_scheduling_take(void) LB_HIDDEN;
/* In the restored process away from home. Returns 0 or a negative error: it cannot be had here. */
int lb_scheduling_give(void) LB_HIDDEN;
/* It has changed: this node follows, as far as it can. Returns 0 or a negative error. */
int lb_scheduling_follow(void) LB_HIDDEN;
void lb_scheduling_follow_cpus(void) LB_HIDDEN;
/* sched_getattr(2) tells it of some policies only, getpriority(2) of all: as 20 less the value, which is no error. */
int32_t lb_nice_of(int64_t result) LB_HIDDEN;

#endif
