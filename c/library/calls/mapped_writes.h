/* mapped_writes.h - What the program does to files that it has mapped. */
#ifndef LB_MAPPED_WRITES_H
#define LB_MAPPED_WRITES_H

#include "trap/trap.h"

/* After each call, away. */
void lb_mapped_after(const struct lb_trap *trap, int64_t result) LB_HIDDEN;
/* One has been changed in a way that is not followed here: at home it is mapped again. */
bool lb_mapped_is_stale(void) LB_HIDDEN;

#endif
