/* clock.h - The program's clocks as this node's. */
#ifndef LB_CLOCK_CALLS_H
#define LB_CLOCK_CALLS_H

#include "process/process.h"

struct __kernel_timespec;

/* From a point in time of the program's clock to this node's. */
void lb_clock_to_node(int clock, struct __kernel_timespec *time) LB_HIDDEN;

#endif
