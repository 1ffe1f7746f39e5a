/* become_shadow.h - becomes the shadow of the process that has left. */
#ifndef LB_BECOME_SHADOW_H
#define LB_BECOME_SHADOW_H

#include <stdint.h>

#include "process/process.h"

/* Whether this process's limits let a shadow begin: 0, or the error that a move would end with. */
int lb_shadow_fits(void) LB_HIDDEN;
/* Becomes the shadow: returns only on error, and then everything is as before. */
int lb_become_shadow(
	const struct lb_local_order *order, int link_fd, int shadow_fd, uint64_t bytes, uint64_t freeze_ns) LB_HIDDEN;
/* Between these two a descriptor can be made although the program has all that it may have. */
void lb_fds_begin(void) LB_HIDDEN;
void lb_fds_end(void) LB_HIDDEN;
/* Between those two: moves fd out of the program's way, behind its own. Returns the new one or an error. */
int lb_move_up(int fd) LB_HIDDEN;

#endif
