/* identity.h - which process this is: its PID and its start time. */
#ifndef LB_IDENTITY_H
#define LB_IDENTITY_H

#include <stdint.h>

#include "process/process.h"

/* In clock ticks since boot; 0: unknown. */
uint64_t lb_start_ticks(void) LB_HIDDEN;
/* Another PID, a start time and no CPU time of its own. */
void lb_become_child(void) LB_HIDDEN;

#endif
