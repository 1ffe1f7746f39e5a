/* aside.h - Whether a guest blocks SIGURG and SIGSYS.
 *
 * And what of them waits (aside.c).
 */
#ifndef LB_ASIDE_H
#define LB_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct ucontext;

/* ---- aside.c */
uint64_t lb_mask_believed(void) LB_HIDDEN;     /* which of them the program blocks */
void lb_mask_believe(uint64_t mask) LB_HIDDEN; /* it has this mask now */
/* Whether one that has interrupted this context has to wait. */
bool lb_aside_blocks(int signal, const struct ucontext *context) LB_HIDDEN;
void lb_aside_put(int signal, const siginfo_t *info) LB_HIDDEN; /* waits from now on, as pending */
/* A SIGURG that the program sends itself: to one of its threads, or NULL: to any. */
void lb_aside_send(struct lb_thread *to, const siginfo_t *info) LB_HIDDEN;
void lb_aside_collect(void) LB_HIDDEN; /* what a timer of the program's has sent and was not delivered yet */
bool lb_aside_take(uint64_t set, siginfo_t *info) LB_HIDDEN; /* the first of the set; false: none waits */
uint64_t lb_aside_waiting(void) LB_HIDDEN;
void lb_aside_drop(uint64_t set) LB_HIDDEN;
/* What waits and is not in this mask is delivered as soon as the handler that runs now has returned. */
void lb_aside_let_through(uint64_t mask) LB_HIDDEN;

#endif
