/* handlers.h - Gives the kernel our handlers in place of the program's. */
#ifndef LB_HANDLERS_H
#define LB_HANDLERS_H

#include "process/process.h"

/* Signals with a handler and those that tell of faults come to lb_entries.signal first. */
bool lb_signal_is_forwarded(int signal, const struct lb_action *program) LB_HIDDEN;
int64_t lb_signal_forward(int signal, const struct lb_action *program) LB_HIDDEN;
/* SIGSYS, of trapped calls, arrives at lb_entries.sigsys. */
void lb_sigsys_take(void) LB_HIDDEN;

#endif
