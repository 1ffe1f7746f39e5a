/* arm.h - Syscall User Dispatch. */
#ifndef LB_ARM_H
#define LB_ARM_H

#include "process/process.h"

/* Away, parked in the library, all signals blocked: installs the SIGSYS handler and traps all calls of the program.
 * Returns 0 or a negative error (then nothing is trapped). */
int lb_arm(void) LB_HIDDEN;

#endif
