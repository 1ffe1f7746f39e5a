/* answers.h - the fast path: calls of a process away from home that are answered without the kernel and without a
 * round trip. Everything here is an optimisation: LB_SLOW sends the call on its ordinary way (forward.c).
 */
#ifndef LB_FAST_H
#define LB_FAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/process.h"

/* Not answered; nothing has happened. Outside every result and errno, and not LB_DONE or LB_AGAIN. */
#define LB_SLOW (INT64_MIN + 2)

/* fast.c. Answers a call or says LB_SLOW. Runs in the program's own context with lb_fast_busy set (a patched site,
 * sites.c), or in the SIGSYS handler. Never nested. */
int64_t lb_fast_call(uint32_t number, const uint64_t args[6]) LB_HIDDEN;
/* Whether it ever answers calls of this number: their sites are worth patching. */
bool lb_fast_wants(uint32_t number) LB_HIDDEN;

/* Set while lb_fast_call runs at a patched site: signals that come meanwhile are deferred until it is over. */
extern volatile uint32_t lb_fast_busy LB_HIDDEN;
/* Set while such a signal waits, and all are blocked: a call that would wait had better say LB_SLOW. */
extern volatile uint32_t lb_fast_deferred LB_HIDDEN;

/* Copies between the program's memory and ours; false: the program's memory is not there (nothing is known of
 * how much was copied). At a patched site without a system call, in the SIGSYS handler through the kernel. */
bool lb_fast_read(void *to, uint64_t from, size_t size) LB_HIDDEN;
bool lb_fast_write(uint64_t to, const void *from, size_t size) LB_HIDDEN;

#endif
