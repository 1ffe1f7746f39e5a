/* vdso.h - the program's vdso, aimed at this node's. */
#ifndef LB_VDSO_H
#define LB_VDSO_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

/* The program's vdso (ordinary memory by now) calls the node's: patches it once, aims it each time. */
void lb_vdso_aim(uint64_t node_vdso) LB_HIDDEN;
/* Bytes of the loaded part of the vdso at `base`, whole pages. */
uint64_t lb_vdso_size(uint64_t base) LB_HIDDEN;
/* Whether this is in one of the functions that a moved program calls in place of the vdso's. */
bool lb_in_hook(uint64_t rip) LB_HIDDEN;

#endif
