/* acted_on.h - Which signals would do something if they came now. */
#ifndef LB_ACTED_ON_H
#define LB_ACTED_ON_H

#include <stdint.h>

#include "process/process.h"

/* A pending signal that the program does not block and that would be acted on; 0: none. */
uint64_t lb_signals_waiting(uint64_t mask) LB_HIDDEN;
uint64_t lb_signals_wanted(uint64_t mask) LB_HIDDEN; /* all that would be acted on if they came */
/* What they mean for a call that they interrupt: the first that has a handler decides. */
enum lb_effect { LB_NO_HANDLER, LB_HANDLER_RESTARTS, LB_HANDLER_INTERRUPTS };
enum lb_effect lb_signals_effect(uint64_t waiting) LB_HIDDEN;

#endif
