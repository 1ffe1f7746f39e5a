/* cpu_time.h - CPU time used on all nodes. */
#ifndef LB_CPU_TIME_H
#define LB_CPU_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

/* Before an image: what has been used so far. In the restored process: that was used elsewhere. */
void lb_cpu_time_note(void) LB_HIDDEN;
void lb_cpu_time_give(bool at_home) LB_HIDDEN;
/* The same of the calling thread. */
void lb_cpu_time_note_thread(struct lb_thread *thread) LB_HIDDEN;
void lb_cpu_time_give_thread(struct lb_thread *thread, bool at_home) LB_HIDDEN;
void lb_cpu_time_forget(void) LB_HIDDEN; /* a child has used none */
/* CPU time used on all nodes, in ticks of times(2). */
void lb_cpu_ticks(int64_t *user, int64_t *system) LB_HIDDEN;

#endif
