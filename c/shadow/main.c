/* main.c - the shadow starts, waits for something to happen, and handles it.
 *
 * A process that leaves home has it loaded into its memory, and enters it (c/base/load.h). `lb shadow` executes it,
 * with LB_STATE in its environment, the number of a memfd with struct lb_state.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"
#include "control.h"
#include "descriptors.h"
#include "end.h"
#include "grant.h"
#include "last_image.h"
#include "links.h"
#include "memory.h"
#include "park.h"
#include "serve.h"
#include "signalfds.h"
#include "signals.h"
#include "state.h"
#include "wake.h"

/* What only time decides. */
static void check_limits(void)
{
	int64_t now = lb_now_ms();

	if (lb_shadow.ended &&
		(lb_shadow.live == NULL || now - lb_shadow.ended_ms > (int64_t)lb_shadow.state.io_timeout_ms))
		lb_end_status(lb_shadow.wait_status);
	if (lb_is_lost() && now - lb_shadow.lost_since_ms > (int64_t)lb_shadow.state.reconnect_limit_ms)
		lb_end_lost("its node did not come back within the reconnect limit");
}

static void serve_events(void)
{
	lb_control_push();
	lb_control_read();
	for (int i = 0; i < LB_LINKS; i++) {
		if (lb_shadow.links[i].fd >= 0)
			lb_serve_link(&lb_shadow.links[i]);
	}
	lb_control_tell();
	check_limits();
	lb_wake_up();
}

static void wait_for_events(void)
{
	struct pollfd fds[LB_LINKS + 1];
	uint64_t mask = lb_signals_wait_mask();
	nfds_t count = 0;

	for (int i = 0; i < LB_LINKS; i++) {
		if (lb_shadow.links[i].fd >= 0)
			fds[count++] = (struct pollfd){ .fd = lb_shadow.links[i].fd, .events = POLLIN };
	}
	if (lb_shadow.control_fd >= 0)
		fds[count++] = (struct pollfd){ .fd = lb_shadow.control_fd, .events = POLLIN };
	syscall(SYS_ppoll, fds, count, NULL, &mask, sizeof mask);
}

static bool load_state(void)
{
	const char *text = getenv(LB_VARIABLE_STATE);
	int fd = text == NULL ? -1 : atoi(text);

	if (lb_loaded != NULL) {
		memcpy(&lb_shadow.state, lb_loaded->argument, sizeof lb_shadow.state);
		fd = lb_shadow.state.state_fd;
	} else if (fd < 0 || pread(fd, &lb_shadow.state, sizeof lb_shadow.state, 0) != sizeof lb_shadow.state) {
		return false;
	}
	if (lb_shadow.state.magic != LB_STATE_MAGIC || lb_shadow.state.abi_version != LB_ABI_VERSION)
		return false;
	lb_shadow.state.state_fd = fd;
	return true;
}

static bool map_state(void)
{
	int fd = lb_shadow.state.state_fd;

	lb_shadow.saved = mmap(NULL, sizeof *lb_shadow.saved, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return lb_shadow.saved != MAP_FAILED;
}

/* Of the program, in its memory. */
static void take_place(void)
{
	bool taken;

	if (lb_loaded == NULL)
		return;
	lb_fault_plan = (struct lb_fault_plan){ lb_shadow.state.fault_number, lb_shadow.state.fault_action };
	lb_park_take((struct lb_parked *)lb_shadow.state.parked, lb_shadow.state.parked_count);
	lb_own_fds_begin();
	taken = lb_memory_take();
	lb_own_fds_end();
	lb_memory_limit(false);
	if (!taken)
		lb_end_lost("home has no memory for its calls");
}

static void register_own(void)
{
	lb_own_fd(&lb_shadow.state.state_fd);
	lb_own_fd(&lb_shadow.state.shadow_fd);
	lb_own_fd(&lb_shadow.state.preload_fd);
	lb_own_fd(&lb_shadow.state.exe_fd);
	lb_own_fd(&lb_shadow.state.trace_fd);
	lb_own_fd(&lb_shadow.control_fd);
	lb_links_init();
	lb_own_fd(&lb_shadow.child_fd);
	lb_last_image_init();
	lb_reserve_init();
}

static void begin(void)
{
	struct lb_shadow_link *link = NULL;

	lb_shadow.last_seq = lb_shadow.state.last_seq;
	lb_shadow.waiting = lb_shadow.state.runs_on[0] == '\0';
	lb_shadow.lost_since_ms = lb_now_ms();
	if (lb_shadow.state.link_fd >= 0)
		link = lb_link_add(lb_shadow.state.link_fd, lb_shadow.state.live_ticket);
	if (lb_fault(LB_FAULT_SHADOW_START) == LB_FAULT_DO_CUT && link != NULL) {
		lb_link_close(link);
		link = NULL;
	}
	if (link != NULL)
		lb_serve_begin(link);
	else if (!lb_shadow.waiting)
		lb_link_lost();
	lb_state_save();
}

int main(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	lb_shadow.control_fd = -1;
	lb_shadow.child_fd = -1;
	lb_shadow.serve_events = serve_events;
	lb_fault_read(&lb_fault_plan, environment);
	lb_memory_init();
	if (!load_state()) {
		fputs("lb-shadow: Cannot start as " LB_VARIABLE_STATE " must name a state: it does not\n"
		      "    fix: Use `lb shadow IMAGE`\n",
			stderr);
		return LB_EXIT_BUG;
	}
	take_place();
	if (!map_state())
		lb_end_lost("home has no memory for its state");
	prctl(PR_SET_NAME, lb_shadow.state.comm);
	prctl(PR_SET_KEEPCAPS, lb_shadow.state.keeps_caps, 0, 0, 0);
	register_own();
	lb_signals_init();
	lb_own_fds_put_back();
	lb_own_fds_begin();
	lb_signalfds_init();
	lb_own_fds_end();
	lb_cloexec_restore();
	lb_own_fds_place();
	begin();
	for (;;) {
		serve_events();
		lb_signals_relay();
		lb_control_tell();
		wait_for_events();
	}
}
