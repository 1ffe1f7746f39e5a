/* actions.h - the program's signal actions, and what the kernel has of them. */
#ifndef LB_ACTIONS_H
#define LB_ACTIONS_H

#include <stdint.h>

#include "process/process.h"

/* rt_sigaction(2) as the program sees it, at home (only our trigger signals are kept aside) and away (all
 * masks stripped of SIGSYS and SIGURG). Returns 0 or -errno. Async-signal-safe. */
int64_t lb_action_set(int signal, const struct lb_action *wanted, struct lb_action *old) LB_HIDDEN;
/* Dispositions for LB_LINK_ACTIONS / HELLO, and which of the program's mask matters to home. */
void lb_actions_summary(struct lb_link_actions *out) LB_HIDDEN;
/* Queues a signal to this process with these details unchanged. */
void lb_signal_requeue(int signal, const siginfo_t *info) LB_HIDDEN;

/* At the start: notes the program's actions of the signals that are ours, and puts our handler in front of them. */
void lb_actions_note_ours(void) LB_HIDDEN;
void lb_actions_stand_in_front(void) LB_HIDDEN;
/* Before a move from home: notes the actions of all signals; away they are kept up to date anyway. */
void lb_actions_take(void) LB_HIDDEN;
/* Threads are being stopped by this signal: our handler is in front of the program's until the end of that. */
void lb_action_stop_begin(int signal) LB_HIDDEN;
void lb_action_stop_end(void) LB_HIDDEN;
/* SA_RESETHAND: the default action from now on. */
void lb_action_reset(int signal) LB_HIDDEN;
/* In the restored process: tells the kernel all of them, as this place needs it. */
void lb_actions_give(void) LB_HIDDEN;

#endif
