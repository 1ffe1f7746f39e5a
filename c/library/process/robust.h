/* robust.h - The robust list of a thread that ends. */
#ifndef LB_ROBUST_H
#define LB_ROBUST_H

#include <stdint.h>

#include "process/process.h"

/* Does for the locks in the list at `head` what the kernel does when a thread with this number ends. */
void lb_robust_end(uint64_t head, uint32_t tid) LB_HIDDEN;

#endif
