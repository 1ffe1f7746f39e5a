/* enter.h - The guest's way into the process of the image. */
#ifndef LB_KEEPER_ENTER_H
#define LB_KEEPER_ENTER_H

#include "keeper.h"

/* What the guest's process starts with; the descriptors are at high numbers. */
struct lb_guest_start {
	int stream_fd, link_fd, keeper_fd;
	const struct lb_keeper_options *options;
};
/* In the guest's process, all signals blocked: becomes the process of the image. Tests have their own. */
_Noreturn void lb_guest_enter(const struct lb_guest_start *start);

#endif
