/* forward.h - a trapped call goes home as its row says. */
#ifndef LB_FORWARD_H
#define LB_FORWARD_H

#include "home_call/table.h"
#include "trap/trap.h"

int64_t lb_forward_row(struct lb_trap *trap, const struct lb_row *row) LB_HIDDEN;
/* By the row of its number. */
int64_t lb_forward(struct lb_trap *trap) LB_HIDDEN;
/* With another signal mask during the call. -EINTR: a handler is to run under that mask. */
int64_t lb_forward_masked(struct lb_trap *trap, const struct lb_row *row, uint64_t mask) LB_HIDDEN;

#endif
