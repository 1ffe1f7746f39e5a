/* park.h - Threads of the program that wait in the shadow. */
#ifndef LB_SHADOW_PARK_H
#define LB_SHADOW_PARK_H

#include "lb_park.h"
#include "state.h"

extern struct lb_parked lb_parked[LB_PARKED_MAX];
extern uint32_t lb_parked_count;

/* Takes over the threads that wait in these slots of the library's: when it returns none of them is in the program's
 * memory any more. */
void lb_park_take(struct lb_parked *slots, uint32_t count);
/* One goes on with rsp = sp, rdi = arg at ip. */
void lb_park_let_go(struct lb_parked *slot, uint64_t ip, uint64_t sp, uint64_t arg);
void lb_park_wait(const struct lb_parked *slot); /* until a thread waits there */
/* Where a thread waits in a slot, rdi: no stack, no TLS. Entered by a thread all of whose signals are blocked. */
extern const char lb_park[];

#endif
