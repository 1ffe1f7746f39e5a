/* main.c - lb-shadow: reads its state, tells guest and daemon that it is there, and waits for what comes.
 *
 * Started by the library's exec in the process that leaves (LB_STATE=<descriptor>), all signals blocked; or again
 * when a homecoming has failed, without a link.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "shadow.h"

struct lb_shadow lb_shadow;
struct lb_fault_plan lb_fault_plan;

int64_t lb_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool read_state(void)
{
	const char *text = getenv("LB_STATE");
	struct lb_state *state = &lb_shadow.state;
	int fd = text != NULL ? atoi(text) : -1;

	if (fd < 0 || pread(fd, state, sizeof *state, 0) != (ssize_t)sizeof *state)
		return false;
	if (state->magic != LB_STATE_MAGIC || state->abi_version != LB_ABI_VERSION)
		return false;
	state->state_fd = fd;
	return state->home_pid == (uint32_t)getpid();
}

static void take_descriptors(void)
{
	struct lb_state *state = &lb_shadow.state;
	int *const own[] = { &state->shadow_fd, &state->preload_fd, &state->exe_fd, &state->state_fd,
			     &state->trace_fd, &lb_shadow.control_fd };

	lb_shadow.control_fd = -1;
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		lb_own_fd(own[i]);
		if (*own[i] >= 0)
			fcntl(*own[i], F_SETFD, FD_CLOEXEC);
	}
	if (state->link_fd >= 0)
		fcntl(state->link_fd, F_SETFD, FD_CLOEXEC);
}

/* The guest has ended, as its keeper says: what it had sent before counts still. */
static void end_as_guest(void)
{
	if (lb_shadow.live != NULL && lb_shadow.executing_seq == 0)
		lb_serve_link(lb_shadow.live);
	lb_end_status(lb_shadow.wait_status);
}

static void check_limits(void)
{
	int64_t lost_ms;

	if (lb_shadow.ended)
		end_as_guest();
	if (lb_shadow.live != NULL || lb_shadow.waiting)
		return;
	lost_ms = lb_now_ms() - lb_shadow.lost_since_ms;
	if (lost_ms >= (int64_t)lb_shadow.state.reconnect_limit_ms)
		lb_end_lost("no link to it came back within reconnect-limit");
}

void lb_serve_events(void)
{
	if (lb_shadow.control_fd >= 0)
		lb_control_read();
	for (int i = 0; i < LB_LINKS; i++) {
		if (lb_shadow.links[i].fd >= 0)
			lb_serve_link(&lb_shadow.links[i]);
	}
	lb_signals_relay();
	lb_control_push();
	check_limits();
}

/* Waits for a message, a signal, or the next thing to be done by the clock. */
static void wait_for_events(void)
{
	struct pollfd fds[LB_LINKS + 1];
	struct timespec timeout = { 0, 0 };
	const struct timespec *limit = NULL;
	sigset_t none;
	nfds_t count = 0;

	for (int i = 0; i < LB_LINKS; i++) {
		if (lb_shadow.links[i].fd >= 0)
			fds[count++] = (struct pollfd){ .fd = lb_shadow.links[i].fd, .events = POLLIN };
	}
	if (lb_shadow.control_fd >= 0)
		fds[count++] = (struct pollfd){ .fd = lb_shadow.control_fd, .events = POLLIN };
	if (lb_shadow.control_fd < 0 || (lb_shadow.live == NULL && !lb_shadow.waiting)) {
		int64_t left_ms = lb_shadow.retry_ms - lb_now_ms();

		left_ms = left_ms < 0 ? 0 : left_ms;
		timeout.tv_sec = left_ms / 1000;
		timeout.tv_nsec = left_ms % 1000 * 1000000;
		limit = &timeout;
	}
	sigemptyset(&none);
	ppoll(fds, count, limit, &none); /* an error is a signal: its handler has recorded it */
}

int main(void)
{
	struct lb_state *state = &lb_shadow.state;
	struct lb_shadow_link *link = NULL;
	extern char **environ;

	lb_fault_read(&lb_fault_plan, environ);
	if (!read_state()) {
		fprintf(stderr, "lb: Cannot serve a process as its state must be in LB_STATE: it is not\n"
				"    fix: Do not start lb-shadow by hand: `lb migrate` and `lb shadow` do\n");
		return 70;
	}
	take_descriptors();
	lb_links_init();
	lb_signals_init();
	lb_cloexec_restore();
	prctl(PR_SET_NAME, state->comm);
	lb_shadow.last_seq = state->last_seq;
	lb_shadow.waiting = state->link_fd < 0 && state->order_id != 0;
	lb_shadow.lost_since_ms = lb_now_ms();
	if (lb_fault(LB_FAULT_SHADOW_START) == LB_FAULT_DO_CUT && state->link_fd >= 0)
		close(state->link_fd);
	if (state->link_fd >= 0)
		link = lb_link_add(state->link_fd, state->live_ticket);
	if (link != NULL)
		lb_serve_begin(link);
	for (;;) {
		lb_serve_events();
		wait_for_events();
	}
}
