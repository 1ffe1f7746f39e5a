/* neighbours.h - other libraries between the program and its C library. */
#ifndef LB_NEIGHBOURS_H
#define LB_NEIGHBOURS_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct lb_next { /* the next library's functions of these names; 0: ask the C library itself */
	int (*sigaction)(int signal, const void *wanted, void *old);
	uint64_t (*signal)(int signal, uint64_t handler);
	uint64_t (*sysv_signal)(int signal, uint64_t handler);
	uint64_t (*sigset)(int signal, uint64_t handler);
	int (*sigignore)(int signal);
	int (*siginterrupt)(int signal, int interrupts);
	int (*sigtimedwait)(const uint64_t *set, void *info, const int64_t *limit);
	int (*sigwait)(const uint64_t *set, int *signal);
	int (*sigpending)(uint64_t *set);
	bool alone; /* the process cannot move: nothing is done in front of them */
};
extern struct lb_next lb_next LB_HIDDEN;
/* Makes room for them. */
void lb_neighbours_meet(void) LB_HIDDEN;

#endif
