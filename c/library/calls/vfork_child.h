/* vfork_child.h - a child of vfork(2) in its parent's place.
 *
 * All calls are the child's while has_child of struct lb_thread is set.
 */
#ifndef LB_VFORK_CHILD_H
#define LB_VFORK_CHILD_H

#include "trap/trap.h"

/* A call that is not what it is for an ordinary process. Returns whether it is decided; then *result. */
bool lb_child_decides(struct lb_trap *trap, int64_t *result) LB_HIDDEN;
/* Gives the context back to the parent if the child has ended. Returns whether it has. */
bool lb_child_settle(struct ucontext *context) LB_HIDDEN;

#endif
