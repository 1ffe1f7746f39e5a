/* own.h - One function for each OWN row of the table: lb_own_<name>(trap). Async-signal-safe; all
 * signals blocked; returns the call's result or LB_DONE. */
#ifndef LB_FORWARD_OWN_H
#define LB_FORWARD_OWN_H

#include "lb_syscalls.h"

#include "trap/trap.h"

#define LB_OWN_DECLARE_OWN(name) int64_t lb_own_##name(struct lb_trap *trap) LB_HIDDEN;
#define LB_OWN_DECLARE_HOME(name)
#define LB_OWN_DECLARE_HERE(name)
#define LB_OWN_DECLARE_COME(name)
#define LB_OWN_DECLARE_REFUSED(name)
#define LB_OWN_DECLARE(number, name, where, ...) LB_OWN_DECLARE_##where(name)
LB_SYSCALL_MAP(LB_OWN_DECLARE)

#endif
