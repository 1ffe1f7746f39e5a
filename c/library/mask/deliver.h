/* deliver.h - Signals to the process or a thread of it, with any siginfo. */
#ifndef LB_DELIVER_H
#define LB_DELIVER_H

#include "process/process.h"
#include "thread/siginfo.h"

/* Code of one that another thread has sent: the kernel refuses the true one. */
#define LB_SI_WRAPPED (-LB_SIGNAL_MARK)

/* Queues it for one thread, or for the process where there is none. Returns 0 or a negative error. */
int64_t lb_signal_send(const struct lb_thread *to, int signal, const siginfo_t *info) LB_HIDDEN;
/* Of a signal that has come: what was said of it. */
void lb_signal_unwrap(siginfo_t *info) LB_HIDDEN;

#endif
