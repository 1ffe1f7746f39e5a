/* invalidation.h - What calls mean for what is known of files. */
#ifndef LB_INVALIDATION_H
#define LB_INVALIDATION_H

#include <stdbool.h>
#include <stdint.h>

#include "trap/trap.h"

/* Makes room, or reads ahead. True: the call may now be answered by lb_fast_call(). */
bool lb_files_prepare(const struct lb_trap *trap) LB_HIDDEN;
/* Before a call goes its ordinary way, and after it. All in the SIGSYS handler only. */
void lb_files_before(struct lb_trap *trap) LB_HIDDEN;
void lb_files_after(const struct lb_trap *trap, int64_t result) LB_HIDDEN;
/* The same where other threads have made calls meanwhile. */
void lb_files_after_others(const struct lb_trap *trap, int64_t result) LB_HIDDEN;

#endif
