/* kernel_state.h - what the kernel keeps for the process, saved and given back. */
#ifndef LB_KERNEL_STATE_H
#define LB_KERNEL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

/* Stops the clocks: saves and disarms timers, takes pending signals, notes limits. Returns 0 or an error, and
 * then everything is as before. */
int lb_freeze(void) LB_HIDDEN;
/* In the process that has come home, before it has its actions again: some of them throw away what waits. */
void lb_frozen_take_meanwhile(void) LB_HIDDEN;
/* Undoes lb_freeze in the same process. */
void lb_unfreeze(void) LB_HIDDEN;
/* A signal that was delivered, but too early: it comes again, before all others of its number. All blocked. */
void lb_signal_put_back(const siginfo_t *info) LB_HIDDEN;
struct lb_timer; /* posix_timers.h */
/* A signal of this timer that waits here is gone. All blocked. */
void lb_frozen_drop_tick(const struct lb_timer *timer) LB_HIDDEN;
/* In the restored process: gives it all back; is_thread: to the calling thread as well. */
void lb_thaw(bool at_home, bool is_thread) LB_HIDDEN;

/* Of the calling thread alone: notes what the kernel keeps for it, and takes the signals that wait for it. Returns 0,
 * or an error: this thread cannot be in an image. */
int lb_thread_take(struct lb_thread *thread) LB_HIDDEN;
/* The calling thread, which is a new one, gets it. Returns 0, or an error: it cannot be had here. */
int lb_thread_give(struct lb_thread *thread, bool at_home) LB_HIDDEN;
/* And its signals. */
void lb_thread_give_signals(struct lb_thread *thread) LB_HIDDEN;
/* Before threads take theirs: none has. */
void lb_threads_signals_begin(void) LB_HIDDEN;
/* The program's CLOCK_MONOTONIC when it was frozen. ns */
uint64_t lb_frozen_monotonic_ns(void) LB_HIDDEN;
/* Whether the limits on memory that the program had can be given to it here: 0 or -LB_E_LIMIT. */
int lb_frozen_fits(void) LB_HIDDEN;
/* What a child does not inherit: timers and pending signals. */
void lb_frozen_forget(void) LB_HIDDEN;

#endif
