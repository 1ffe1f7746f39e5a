/* siginfo.h - siginfo_t, and orders among what it tells of. */
#ifndef LB_SIGINFO_H
#define LB_SIGINFO_H

/* A test may have its C library's instead. */
#ifndef SIGURG
#include <linux/signal.h>
#endif
#include <stdbool.h>
#include <stdint.h>

#include "lb_state.h"

_Static_assert(sizeof(siginfo_t) == 128, "what rt_sigtimedwait(2) writes");

static inline bool lb_is_order(const siginfo_t *info)
{
	return info->si_code == SI_QUEUE && info->si_errno == LB_SIGNAL_MARK &&
		(uint64_t)info->si_ptr >= LB_ORDER_ID_MIN;
}

/* By which one thread stops the others (image/threads.h). Inside the process alone: glibc never blocks it but for
 * moments, and uses it for setuid(2) of all threads, with another si_code. What the program has of it is the program's
 * again as soon as the threads go on. */
#define LB_STOP_SIGNAL 33

static inline bool lb_is_stop(const siginfo_t *info)
{
	return info->si_signo == LB_STOP_SIGNAL && info->si_code == SI_QUEUE && info->si_errno == LB_SIGNAL_MARK;
}

/* Whether a disposition is a handler of the program's: neither the default action nor none. */
static inline bool lb_is_handler(uint64_t handler)
{
	return handler != (uint64_t)SIG_DFL && handler != (uint64_t)SIG_IGN;
}

#endif
