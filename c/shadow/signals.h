/* signals.h - Signals to the home PID. */
#ifndef LB_SHADOW_SIGNALS_H
#define LB_SHADOW_SIGNALS_H

#include <signal.h>
#include <sys/types.h>
#include "state.h"

void lb_signals_init(void);
void lb_signals_set(const struct lb_link_actions *actions);
/* What stays blocked while this process waits: what signalfds tell of; and when no more can be recorded, the rest. */
uint64_t lb_signals_wait_mask(void);
/* All that waits here of these goes to the guest, whatever is done by default: it may wait for them. */
void lb_signals_release(uint64_t set);
void lb_signals_unblock(void);
void lb_signals_block(void);
/* Takes pending signals without running handlers: those that a call of this thread of the guest's has just caused. */
void lb_signals_collect(uint32_t thread);
/* What stays blocked in a worker while it makes a call: all but what the call itself may cause. */
uint64_t lb_signals_worker_mask(void);
/* One that a worker has received (struct lb_worker), for its thread of the guest's or for the process. */
void lb_signals_came(const siginfo_t *info, uint32_t thread, uint32_t stops);
/* Passes on what was recorded; stops this process where the guest is to be stopped. */
void lb_signals_relay(void);
/* A new link: what was sent over the last one behind so many signals may be lost with it, and is told again. */
void lb_signals_again(uint64_t had);
/* In a child: default actions, but for those signals that are ignored; nothing is passed on. */
void lb_signals_leave(uint64_t ignored);
/* A child that has failed to begin: nobody has heard of it, and nobody will. */
void lb_signals_drop_child(pid_t pid);
/* A SIGPIPE that a call of our own has just caused. */
void lb_signals_drop_pipe(void);
/* Makes recorded signals pending again, for the process that comes home. */
void lb_signals_give_back(void);
void lb_signals_watch(int fd, bool on); /* SIGIO when fd becomes readable */
/* To this process (0), or to one of its threads, whose own queue comes before the process's. */
void lb_signal_queue(const siginfo_t *info, uint32_t thread);

#endif
