/* stub.h - Calls that the program makes on this node itself. */
#ifndef LB_STUB_H
#define LB_STUB_H

#include "trap/trap.h"

/* The program makes the call when the handler returns, as it is. All of these return LB_DONE. */
int64_t lb_here(struct lb_trap *trap) LB_HIDDEN;
/* As lb_here, with another value for argument `index` (0..4) during the call. */
int64_t lb_here_value(struct lb_trap *trap, unsigned index, uint64_t value) LB_HIDDEN;
/* As lb_here, with a scratch copy: `size` bytes at `content` on the program's stack; the register of
 * argument `index` points there during the call and has the program's value again afterwards. */
#define LB_SCRATCH_SIZE 48
int64_t lb_here_scratch(struct lb_trap *trap, unsigned index, const void *content, size_t size) LB_HIDDEN;
/* After lb_here_scratch(): the call waits under this mask of its own (0: the program's), or takes these signals. */
void lb_here_waits(struct lb_trap *trap, const uint64_t *mask, uint64_t takes) LB_HIDDEN;
/* At home: waits for these events of a socket until it need not wait any more, then makes the program's call. After
 * left_ns: error. */
int64_t lb_here_poll(struct lb_trap *trap, short events, int64_t left_ns, int64_t error) LB_HIDDEN;
/* Ends the call with EINTR once the signals that `mask` lets through have been delivered under it. kernels: that mask
 * as the kernel may have it. */
int64_t lb_interrupt_masked(struct lb_trap *trap, uint64_t mask, uint64_t kernels) LB_HIDDEN;

/* LB_AGAIN: the program makes its call again. */
int64_t lb_trap_again(struct lb_trap *trap) LB_HIDDEN;

/* ---- for signals that interrupt a context at such a call */
/* Whether it stands right behind one; its number then (rax holds the result; the number is needed to make it again at
 * rip - 2). */
bool lb_stub_is_after(const struct ucontext *context, uint32_t *number) LB_HIDDEN;
bool lb_stub_is_at(const struct ucontext *context) LB_HIDDEN;           /* about to make one, or right behind it */
const uint64_t *lb_stub_mask(const struct ucontext *context) LB_HIDDEN; /* it waits under; 0: the program's */
/* Of SIGURG and SIGSYS, what sigtimedwait(2) waits for. */
uint64_t lb_stub_takes(const struct ucontext *context) LB_HIDDEN;
/* A handler of the program's is to run: a call under a mask of its own has ended by that, as all that say EINTR. */
void lb_stub_leave(struct ucontext *context) LB_HIDDEN;
/* Back to the program's own call where one is made with another argument than the program's and is to be made (again):
 * what was right here is wrong on the next node, a deadline say. */
void lb_stub_rewind(struct ucontext *context) LB_HIDDEN;

#endif
