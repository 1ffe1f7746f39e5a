/* trap.h - One trapped call, and what its handler decides.
 *
 * It says so beside a result.
 */
#ifndef LB_TRAP_H
#define LB_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct ucontext; /* asm/ucontext.h */

/* Handlers run inside the SIGSYS handler, all signals blocked. A handler returns the call's result (>= 0 or -errno) or
 * what is to be done, which dispatch.c does. */
struct lb_trap {
	struct ucontext *context;
	uint32_t number;
	uint64_t args[6];
	uint64_t given; /* size of the row's argument whose size is LB_LENGTH_GIVEN */
	void *told;     /* memory for one more output that home fills in, of what open(2) has opened; 0: none */
	uint64_t told_size;
	uint64_t stack;    /* lowest address of the program's stack that is in use; 0: that of the signal frame */
	bool leaves;       /* out: the process is to come home once the call is made */
	int32_t unreached; /* LB_NEEDS_HOME: the call's error where home cannot be reached; 0: -ENOSYS */
};

/* Outside every errno and address. */
#define LB_DONE INT64_MIN             /* the context already says how to go on: rax is not to be touched */
#define LB_AGAIN (INT64_MIN + 1)      /* a signal is to be delivered first, then the call is to be made again */
#define LB_SLOW (INT64_MIN + 2)       /* not answered without home: the call goes its ordinary way */
#define LB_NEEDS_HOME (INT64_MIN + 3) /* the process is to come home and to make the call there */

#endif
