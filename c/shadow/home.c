/* home.c - the process comes home: this PID becomes the program again.
 *
 * The restorer takes this memory over but for the range in which this program lies, and puts the program where it was.
 * Should it fail it comes back here, and the guest goes on where it is.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libc_rseq.h"
#include "fault.h"
#include "lb_restorer.h"
#include "control.h"
#include "descriptors.h"
#include "end.h"
#include "grant.h"
#include "home.h"
#include "last_image.h"
#include "links.h"
#include "memory.h"
#include "park.h"
#include "signals.h"
#include "state.h"
#include "threads.h"
#include "wake.h"

/* Reads the image from this link. Returns only when the process cannot come home. */
static void enter(struct lb_shadow_link *link, int kept_fd)
{
	static struct lb_stay stay;
	struct lb_image_header header;
	struct lb_enter_request request = {
		.image_fd = link->fd,
		.handshake = 1,
		.link_fd = -1,
		.keeper_fd = -1,
		.stay = &stay,
		.state = &lb_shadow.state,
		.kept_fd = kept_fd,
		.fault = lb_fault_plan,
		.node = lb_shadow.state.home_node,
		.control_path = lb_shadow.state.control_path,
	};

	lb_signals_watch(link->fd, false);
	lb_link_lend(link->fd);
	lb_own_fds_keep();
	lb_memory_limit(true);
	if (!lb_link_tell(link, LB_LINK_READY, NULL, 0, false) || lb_fault(LB_FAULT_HOME_READY) == LB_FAULT_DO_FAIL)
		return;
	lb_wake_never();
	lb_shadow.state.parked = (uint64_t)lb_parked;
	lb_shadow.state.parked_count = lb_parked_count;
	lb_memory_lend(&stay);
	lb_rseq_of_libc_register(false);
	lb_enter(&request, &header);
	lb_rseq_of_libc_register(true);
	lb_fault_plan.number = 0; /* tests: what was planned has happened, once */
	if (!lb_memory_make())
		lb_end_lost("home has no memory for its calls");
}

void lb_home(struct lb_shadow_link *link)
{
	uint32_t action = lb_fault(LB_FAULT_HOME_ENTER);

	if (lb_loaded == NULL || action == LB_FAULT_DO_CUT || action == LB_FAULT_DO_FAIL) {
		lb_link_lost();
		return;
	}
	lb_control_close();
	lb_reserve_drop();
	lb_last_image_forget();
	lb_end_tell_untold(); /* at home nobody remembers it */
	for (int i = 0; i < LB_LINKS; i++) {
		if (lb_shadow.links[i].fd >= 0 && &lb_shadow.links[i] != link)
			lb_link_close(&lb_shadow.links[i]);
	}
	lb_shadow.bring_home = false;
	lb_signals_give_back();
	enter(link, 0);
	/* Still the shadow: as before, over a new link. */
	lb_memory_limit(false);
	lb_own_fds_put_back();
	lb_shadow.retry_ms = 0;
	lb_link_lost();
}

_Noreturn void lb_home_child(int fd)
{
	struct lb_shadow_link *link = lb_shadow.live;

	lb_reserve_drop();
	lb_guest_threads_forget();
	if (lb_shadow.control_fd >= 0)
		close(lb_shadow.control_fd);
	lb_shadow.control_fd = -1;
	for (int i = 0; i < LB_LINKS; i++) {
		if (lb_shadow.links[i].fd >= 0 && &lb_shadow.links[i] != link)
			lb_link_close(&lb_shadow.links[i]);
	}
	close(link->fd);
	link->fd = fd; /* our image comes over this one */
	lb_signals_leave(lb_shadow.state.actions.ignored);
	lb_parked_count = 0; /* those threads are its parent's */
	enter(link, lb_last_image.fd < 0 ? 0 : lb_last_image.fd);
	_exit(EXIT_FAILURE);
}
