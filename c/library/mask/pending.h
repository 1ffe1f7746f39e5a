/* pending.h - whose signals wait. */
#ifndef LB_PENDING_H
#define LB_PENDING_H

#include "process/process.h"

/* Which signals wait for the calling thread alone, not for the process. */
uint64_t lb_thread_pending(void) LB_HIDDEN;
/* Of those that rt_sigpending(2) tells the ones that this thread is to take. One of the process's is the leader's where
 * that lets it through, as the kernel has it: complete_signal(), kernel/signal.c, Linux 6.12. */
uint64_t lb_signals_mine(uint64_t pending) LB_HIDDEN;

#endif
