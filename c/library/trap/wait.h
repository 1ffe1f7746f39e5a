/* wait.h - The deadline of a wait that a signal of ours has interrupted. */
#ifndef LB_WAIT_H
#define LB_WAIT_H

#include "trap/trap.h"

struct sigcontext;

/* A wait is known by the instruction behind its call, the stack there and its number; its end is a point in time of the
 * program's CLOCK_MONOTONIC. */
void lb_wait_keep(uint64_t rip, uint64_t rsp, uint32_t number, int64_t deadline_ns) LB_HIDDEN;
void lb_wait_shorten(int64_t ns) LB_HIDDEN;
void lb_wait_drop(void) LB_HIDDEN;
bool lb_wait_kept(uint64_t rip, uint64_t rsp, uint32_t number, int64_t *deadline_ns) LB_HIDDEN;

/* The deadline of a call with this time limit that is made now, or made again. */
int64_t lb_wait_deadline_ns(const struct lb_trap *trap, int64_t limit_ns) LB_HIDDEN;
/* The time that is left of a wait on this node, which is about to be made, and maybe not for the first time. */
int64_t lb_wait_left_ns(const struct lb_trap *trap, int64_t limit_ns) LB_HIDDEN;
/* The wait that is about to be made has no such limit: what an earlier call from the same place had does not count. */
void lb_wait_unlimited(void) LB_HIDDEN;
/* The program is about to make the wait on this node again. */
void lb_wait_again(const struct sigcontext *registers) LB_HIDDEN;

#endif
