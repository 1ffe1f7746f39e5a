/* signal.h - What the program sets of its signals. */
#ifndef LB_SIGNAL_CALLS_H
#define LB_SIGNAL_CALLS_H

#include "trap/trap.h"

/* What rt_sigprocmask(2) with these arguments makes of the mask `old`; without a new set that mask. 0 or -errno. */
int64_t lb_mask_wanted(const struct lb_trap *trap, uint64_t old, uint64_t *wanted) LB_HIDDEN;
void lb_actions_sync(void) LB_HIDDEN; /* tells home when dispositions have changed */

#endif
