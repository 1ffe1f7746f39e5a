/* waits.h - Time limits of calls that our own signal interrupts. */
#ifndef LB_WAITS_H
#define LB_WAITS_H

#include "trap/trap.h"

/* Whether the context stands right behind a call, and which. */
bool lb_interrupted_call(const struct ucontext *context, uint32_t *number) LB_HIDDEN;
/* The context has been interrupted: until when does its call wait? */
void lb_wait_note(const struct ucontext *context) LB_HIDDEN;
/* The daemon has told when that call began to wait, of CLOCK_MONOTONIC, and how often the process had waited. */
void lb_wait_began(uint64_t began_ns, uint64_t switches) LB_HIDDEN;
/* The context is about to make that call again: with what is left of its time. */
void lb_wait_remake(struct ucontext *context) LB_HIDDEN;

#endif
