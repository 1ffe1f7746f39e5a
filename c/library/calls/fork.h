/* fork.h - Children that a process away from home can make. */
#ifndef LB_FORK_H
#define LB_FORK_H

#include "trap/trap.h"

struct lb_clone { /* arguments of clone3(2); stack: its upper end, 0: the parent's goes on; storage: tls */
	uint64_t flags, exit_signal, stack, pidfd, parent_tid, child_tid, storage;
};
/* vfork_child.c: one that shares this process's memory while its parent waits */
int64_t lb_child_begin(struct lb_trap *trap, const struct lb_clone *clone) LB_HIDDEN;
/* fork_home.c: a child that is a copy of this process, made at home */
int64_t lb_fork_at_home(struct lb_trap *trap, const struct lb_clone *clone) LB_HIDDEN;
/* In the restored process: is it a child that is being forked? Then its life begins. */
bool lb_fork_is_born(void) LB_HIDDEN;
void lb_fork_begin_life(void) LB_HIDDEN;

#endif
