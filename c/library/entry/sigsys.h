/* sigsys.h - Where trapped calls arrive. */
#ifndef LB_SIGSYS_H
#define LB_SIGSYS_H

#include "process/process.h"

extern char lb_sigsys_entry[] LB_HIDDEN;

#endif
