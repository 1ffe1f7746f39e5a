/* interrupted.h - The call that a signal of ours has interrupted. */
#ifndef LB_INTERRUPTED_H
#define LB_INTERRUPTED_H

#include "trap/trap.h"

/* A call that the context has left with EINTR because of a handler that is not the program's: makes it again. */
void lb_resume_call(struct ucontext *context) LB_HIDDEN;

/* ---- waits.c: its time limit */
/* The context has been interrupted: until when does its call wait? */
void lb_wait_note(const struct ucontext *context) LB_HIDDEN;
/* The daemon has told when that call began to wait, of CLOCK_MONOTONIC, and how often the process had waited. */
void lb_wait_began(uint64_t began_ns, uint64_t switches) LB_HIDDEN;
/* The context is about to make that call again: with what is left of its time. */
void lb_wait_remake(struct ucontext *context) LB_HIDDEN;

/* Whether the context stands right behind a call, and which. */
bool lb_interrupted_call(const struct ucontext *context, uint32_t *number) LB_HIDDEN;

#endif
