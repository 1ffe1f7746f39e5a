/* answers.h - Calls that patched sites answer without kernel or home.
 *
 * The fast path of a process away from home. Everything here is an optimisation: LB_SLOW sends the call on its
 * ordinary way (intercept/dispatch.c).
 */
#ifndef LB_FAST_H
#define LB_FAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "home_call/fast_copy.h"
#include "trap/trap.h"

/* Answers a call or says LB_SLOW. Runs as the program with `answering` of struct lb_thread set (a patched site), or in
 * the SIGSYS handler. Never nested. */
int64_t lb_fast_call(uint32_t number, const uint64_t args[6]) LB_HIDDEN;
/* Whether it ever answers calls of this number: their sites are worth patching. */
bool lb_fast_wants(uint32_t number) LB_HIDDEN;

#endif
