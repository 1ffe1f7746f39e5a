/* mask.h - the program's signal masks, as the kernel and home may have them. */
#ifndef LB_MASK_H
#define LB_MASK_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

/* Default action: nothing. signal(7) */
#define LB_QUIET_SIGNALS (LB_BIT(SIGCHLD) | LB_BIT(SIGURG) | LB_BIT(SIGCONT) | LB_BIT(SIGWINCH))

/* Without the signals that we may never block. */
uint64_t lb_mask_strip(uint64_t mask) LB_HIDDEN;
/* The calling thread has this mask now. Returns whether lb_actions_summary() is another one by that. */
bool lb_mask_note(uint64_t mask) LB_HIDDEN;
/* Of the quiet ones, those that every thread blocks: what is sent to the process waits then. */
uint64_t lb_mask_quiet_blocked(void) LB_HIDDEN;

#endif
