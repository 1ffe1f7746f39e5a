/* interpose.h - functions of the C library that set a signal's action. */
#ifndef LB_INTERPOSE_H
#define LB_INTERPOSE_H

#include "process/process.h"

void lb_restorer_learn(void) LB_HIDDEN; /* leaves SIGURG with an action of lb's */

#endif
