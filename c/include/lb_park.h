/* lb_park.h - Slots of threads that wait while their process is lent.
 *
 * When a process leaves home its threads wait in the library; the shadow takes them over, each into a slot of its own,
 * and the library takes them back when the process comes home. Whoever writes ip, sp and arg of a slot and then
 * LB_PARKED_GO owns the thread from then on.
 */
#ifndef LB_PARK_H
#define LB_PARK_H

#include <stdint.h>

#define LB_PARKED_MAX 256           /* threads of a process that moves */
#define LB_PARKING_STACK_SIZE 8192u /* where the shadow lets such a thread work */

enum lb_parked_state {
	LB_PARKED_NONE = 0,  /* nobody waits here (yet) */
	LB_PARKED_WAITS = 1, /* the thread waits on `state` (futex(2)), all signals blocked */
	LB_PARKED_GO = 2,    /* it goes on: rsp = sp, rdi = arg, at ip */
};

struct lb_parked {
	uint32_t state; /* enum lb_parked_state */
	uint32_t tid;
	uint64_t ip, sp, arg;
};

#endif
