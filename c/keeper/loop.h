/* loop.h - The keeper's one loop. */
#ifndef LB_KEEPER_LOOP_H
#define LB_KEEPER_LOOP_H

#include "keeper.h"

/* Does it all: starts the guest from stream_fd (link_fd: -1, or the link of a later move or a
 * restart) and returns when it has ended and home knows, or cannot be told. Owns both
 * descriptors. Returns 0: wait_status says how it ended; or a negative error: it never ran. */
int lb_keeper_run(struct lb_keeper *keeper, int stream_fd, int link_fd);

#endif
