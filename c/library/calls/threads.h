/* threads.h - Threads that a guest makes, and their end. */
#ifndef LB_CALLS_THREADS_H
#define LB_CALLS_THREADS_H

#include "calls/fork.h"
#include "trap/trap.h"

/* Whether it is a thread as C libraries make them: it shares all, and has storage and a stack of its own. */
bool lb_clone_is_thread(const struct lb_clone *clone) LB_HIDDEN;
int64_t lb_thread_clone(struct lb_trap *trap, const struct lb_clone *clone) LB_HIDDEN;

#endif
