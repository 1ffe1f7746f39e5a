/* interrupted.h - The call that a signal of ours has interrupted. */
#ifndef LB_INTERRUPTED_H
#define LB_INTERRUPTED_H

#include "trap/trap.h"

/* A call that the context has left with EINTR because of a handler that is not the program's: makes it again. */
void lb_resume_call(struct ucontext *context) LB_HIDDEN;

#endif
