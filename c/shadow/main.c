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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"
#include "libc_rseq.h"
#include "calls.h"
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
#include "threads.h"
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
	lb_calls_serve();
	lb_control_tell();
	check_limits();
	lb_wake_up();
}

static void wait_for_events(void)
{
	struct pollfd fds[LB_LINKS + 1 + LB_CALLS_POLLED];
	uint64_t mask = lb_signals_wait_mask();
	nfds_t count = 0;

	for (int i = 0; i < LB_LINKS; i++) {
		if (lb_shadow.links[i].fd >= 0)
			fds[count++] = (struct pollfd){ .fd = lb_shadow.links[i].fd, .events = POLLIN };
	}
	if (lb_shadow.control_fd >= 0)
		fds[count++] = (struct pollfd){ .fd = lb_shadow.control_fd, .events = POLLIN };
	count += lb_calls_poll(fds + count);
	syscall(SYS_ppoll, fds, count, lb_calls_limit(), &mask, sizeof mask);
}

/* Who has executed this program has left the state in a descriptor; who has loaded it, in memory. */
static bool load_state(void)
{
	const char *text = getenv(LB_VARIABLE_STATE);
	int fd = text == NULL ? -1 : atoi(text);
	bool known = lb_loaded != NULL;

	if (known)
		memcpy(&lb_shadow.state, lb_loaded->argument, sizeof lb_shadow.state);
	else if (fd >= 0)
		known = pread(fd, &lb_shadow.state, sizeof lb_shadow.state, 0) == sizeof lb_shadow.state;
	if (!known || lb_shadow.state.magic != LB_STATE_MAGIC || lb_shadow.state.abi_version != LB_ABI_VERSION)
		return false;
	if (lb_loaded == NULL)
		close(fd);
	return true;
}

static _Noreturn void cannot_start(const char *why, const char *fix)
{
	fprintf(stderr, "lb-shadow: Cannot start as %s\n    fix: %s\n", why, fix);
	exit(LB_EXIT_BUG);
}

/* Loads this program where its guest, which is an image, leaves room for it, and goes on there. */
static void move_into_range(void)
{
	struct lb_state *state = &lb_shadow.state;
	struct lb_load load = { .file = state->shadow_fd,
		.start = state->range_start,
		.arguments = state->text,
		.argc = state->argc,
		.last = "[on no node yet]",
		.argument = state };

	if (lb_loaded != NULL || state->range_start == 0)
		return;
	state->fault_number = lb_fault_plan.number;
	state->fault_action = lb_fault_plan.action;
	syscall(SYS_prlimit64, 0, RLIMIT_AS, NULL, state->limits[0]);
	syscall(SYS_prlimit64, 0, RLIMIT_DATA, NULL, state->limits[1]);
	if (lb_load(&load) != 0 || lb_load_name(&load) != 0)
		cannot_start("there must be memory where the image leaves room for it: there is none",
			"Check the memory limits, then use `lb shadow IMAGE` again");
	lb_rseq_of_libc_register(false);
	lb_load_enter(&load);
}

static bool is_program_there(void)
{
	struct stat program, own;

	return stat("/proc/self/exe", &program) == 0 && fstat(lb_shadow.state.shadow_fd, &own) == 0 &&
		(program.st_dev != own.st_dev || program.st_ino != own.st_ino);
}

/* Of the program, in its memory. */
static void take_place(void)
{
	bool taken;

	if (lb_loaded == NULL)
		return;
	lb_fault_plan = (struct lb_fault_plan){ lb_shadow.state.fault_number, lb_shadow.state.fault_action };
	lb_shadow.state.has_program = is_program_there();
	close(lb_shadow.state.shadow_fd);
	lb_shadow.state.shadow_fd = -1;
	lb_park_take((struct lb_parked *)lb_shadow.state.parked, lb_shadow.state.parked_count);
	lb_own_fds_begin();
	taken = lb_memory_take() && lb_memory_make();
	lb_own_fds_end();
	if (!taken)
		lb_end_lost("home has no memory for its calls");
	lb_memory_limit(false);
}

static void register_own(void)
{
	lb_own_fd(&lb_shadow.control_fd);
	lb_links_init();
	lb_own_fd(&lb_shadow.child_fd);
	lb_last_image_init();
	lb_reserve_init();
}

static void begin(void)
{
	struct lb_shadow_link *link = NULL;

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
}

int main(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	lb_shadow.control_fd = -1;
	lb_shadow.child_fd = -1;
	lb_shadow.workers_fd = -1;
	lb_shadow.serve_events = serve_events;
	lb_fault_read(&lb_fault_plan, environment);
	lb_memory_init();
	if (!load_state())
		cannot_start(LB_VARIABLE_STATE " must name a state: it does not", "Use `lb shadow IMAGE`");
	move_into_range();
	take_place();
	prctl(PR_SET_NAME, lb_shadow.state.comm);
	register_own();
	lb_signals_init();
	lb_own_fds_begin();
	lb_signalfds_init();
	lb_own_fds_end();
	lb_own_fds_place();
	if (!lb_guest_threads_adopt())
		lb_end_lost("home has no memory for its threads");
	begin();
	for (;;) {
		serve_events();
		lb_signals_relay();
		lb_control_tell();
		wait_for_events();
	}
}
