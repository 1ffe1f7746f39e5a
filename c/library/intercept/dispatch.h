/* dispatch.h - Decides what happens to a trapped call. */
#ifndef LB_DISPATCH_H
#define LB_DISPATCH_H

#include "trap/trap.h"

/* Returns the call's result, LB_DONE, or LB_NEEDS_HOME. trap->leaves: the call is made, and the process is to come
 * home. */
int64_t lb_dispatch(struct lb_trap *trap) LB_HIDDEN;

#endif
