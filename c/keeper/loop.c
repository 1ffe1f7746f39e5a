/* loop.c - The keeper's one loop.
 *
 * It waits for the guest, the daemon and the link, and for nothing else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "ending.h"
#include "guest.h"
#include "keeper.h"
#include "link.h"
#include "loop.h"
#include "ring.h"

enum { WAIT_GUEST_END, WAIT_GUEST, WAIT_CONTROL, WAIT_LINK, WAIT_SIGNAL, WAIT_STREAM, WAITS };

/* Signals that a keeper in front passes on. The rest: the kernel's own (SEGV, ...), job control
 * from a terminal, our trigger, and what is ignored by default. */
static int signals_open(void)
{
	static const int passed[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF,
		SIGIO, SIGPWR, SIGCONT, SIGTSTP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
		sigaddset(&set, passed[i]);
	for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++)
		sigaddset(&set, signal);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* How long poll may sleep: until the first thing that time alone brings; -1: nothing does. */
static int timeout_ms(const struct lb_keeper *keeper)
{
	bool alone = keeper->options.control_path == NULL;
	const int64_t times[] = { alone ? LB_NEVER : keeper->retry_at, keeper->link.need_until, keeper->ended_until,
		keeper->link.lost_at, keeper->kill_at, keeper->flush_at };
	int64_t first = LB_NEVER;
	int64_t left;

	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		first = times[i] < first ? times[i] : first;
	if (first == LB_NEVER)
		return -1;
	left = first - lb_keeper_now_ms();
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* What time alone brings: the ends of waiting. */
static void give_up(struct lb_keeper *keeper)
{
	int64_t now = lb_keeper_now_ms();

	if (now >= keeper->link.lost_at)
		lb_link_needed(keeper);
	if (now >= keeper->kill_at) {
		keeper->kill_at = LB_NEVER;
		lb_guest_kill(keeper);
	}
	if (keeper->link.needed && now >= keeper->link.need_until) {
		lb_keeper_say("Cannot keep '%s' running as %s must be reached within %u s: "
			      "it was not",
			keeper->program, keeper->options.home_node, keeper->options.reconnect_limit_ms / 1000);
		keeper->link.needed = false;
		keeper->link.need_until = LB_NEVER;
		if (keeper->flushing)
			lb_guest_tell_end(keeper);
		else
			lb_guest_kill(keeper);
	}
	if (keeper->ended_unanswered && now >= keeper->ended_until) {
		lb_keeper_say("Cannot tell %s how '%s' ended as the daemon must answer: "
			      "it does not",
			keeper->options.home_node, keeper->program);
		keeper->finished = true;
	}
}

/* The source is gone while the image is read. PARKED comes before RUNNING, and no source gives its process up
 * before RUNNING: a guest that has not said PARKED is of no more use, even if it hangs. */
static void stream_ended(struct lb_keeper *keeper)
{
	lb_guest_read(keeper);
	if (!keeper->parked && !keeper->left)
		lb_guest_kill(keeper);
	lb_stream_forget(keeper);
}

static void wait_once(struct lb_keeper *keeper, int signal_fd)
{
	/* Of the link only its end is watched (data is the guest's), and only while it is used. */
	bool watch_link =
		keeper->link.watched && keeper->parked && !keeper->left && !keeper->dead && keeper->guest_fd >= 0;
	struct pollfd fds[WAITS] = {
		[WAIT_GUEST_END] = { .fd = keeper->guest_fd, .events = POLLIN },
		[WAIT_GUEST] = { .fd = keeper->keeper_fd, .events = POLLIN },
		[WAIT_CONTROL] = { .fd = keeper->control_fd, .events = POLLIN },
		[WAIT_LINK] = { .fd = watch_link ? keeper->link.fd : -1,
			.events = POLLRDHUP | (keeper->link.is_full ? POLLOUT : 0) },
		[WAIT_SIGNAL] = { .fd = signal_fd, .events = POLLIN },
		[WAIT_STREAM] = { .fd = keeper->stream_fd, .events = POLLRDHUP },
	};

	if (poll(fds, WAITS, timeout_ms(keeper)) < 0)
		return; /* EINTR: look again */
	/* What the guest said comes before its end, and a lost link before a new one. */
	if (fds[WAIT_GUEST].revents != 0)
		lb_guest_read(keeper);
	if (fds[WAIT_STREAM].revents != 0)
		stream_ended(keeper);
	if (fds[WAIT_LINK].revents & POLLOUT)
		lb_ring_flush(keeper);
	if (fds[WAIT_LINK].revents & ~POLLOUT)
		lb_keeper_link_lost(keeper);
	if (lb_keeper_now_ms() >= keeper->flush_at)
		lb_ring_flush(keeper);
	if (fds[WAIT_CONTROL].revents != 0)
		lb_keeper_control_read(keeper);
	if (fds[WAIT_SIGNAL].revents != 0)
		lb_guest_forward_signal(keeper, signal_fd);
	if (fds[WAIT_GUEST_END].revents != 0)
		lb_guest_reap(keeper);
	give_up(keeper);
}

static void keeper_reset(struct lb_keeper *keeper)
{
	keeper->finished = false;
	keeper->guest_pid = 0;
	keeper->guest_fd = -1;
	keeper->keeper_fd = -1;
	keeper->guest_start_ticks = 0;
	memset(keeper->program, 0, sizeof keeper->program);
	keeper->state = LB_GUEST_RESTORING;
	keeper->parked = false;
	keeper->left = false;
	keeper->dead = false;
	keeper->kill_at = LB_NEVER;
	keeper->wait_status = 0;
	keeper->stream_fd = -1;
	keeper->ring = NULL;
	keeper->flush_at = LB_NEVER;
	keeper->flushing = false;
	keeper->link = (struct lb_guest_link){ .fd = -1, .lost_at = LB_NEVER, .need_until = LB_NEVER };
	keeper->control_fd = -1;
	keeper->retry_at = 0;
	keeper->tell_state = false;
	keeper->tell_need = false;
	keeper->tell_ended = false;
	keeper->ended_unanswered = false;
	keeper->ended_until = LB_NEVER;
}

int lb_keeper_run(struct lb_keeper *keeper, int stream_fd, int link_fd)
{
	const struct lb_keeper_options *options = &keeper->options;
	bool first_move =
		!options->restart && (options->from[0] == '\0' || strcmp(options->from, options->home_node) == 0);
	int guest_link_fd = link_fd < 0 && first_move ? stream_fd : link_fd;
	int signal_fd = -1;
	int error;

	keeper_reset(keeper);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* ignored by whoever ran `lb restart`, it would reap the guest */
	if (keeper->options.restart)
		signal_fd = signals_open();
	if (!keeper->options.restart)
		lb_keeper_control_push(keeper); /* before the peek, which waits for the source */
	lb_guest_peek(keeper, stream_fd);
	keeper->tell_state = true;
	error = lb_guest_start(keeper, stream_fd, guest_link_fd);
	if (error == 0 && guest_link_fd >= 0)
		keeper->link.fd = fcntl(guest_link_fd, F_DUPFD_CLOEXEC, 3);
	keeper->link.watched = keeper->link.fd >= 0;
	if (options->restart)
		close(stream_fd); /* a file */
	else
		keeper->stream_fd = stream_fd;
	if (link_fd >= 0)
		close(link_fd);
	lb_keeper_control_push(keeper);
	while (error == 0 && !keeper->finished) {
		wait_once(keeper, signal_fd);
		lb_keeper_control_push(keeper);
	}
	if (error == 0 && !keeper->parked && !keeper->left && !keeper->dead)
		error = -LB_E_PEER_LOST;
	if (keeper->control_fd >= 0)
		close(keeper->control_fd);
	if (keeper->keeper_fd >= 0)
		close(keeper->keeper_fd);
	lb_stream_forget(keeper);
	lb_ring_detach(keeper);
	if (keeper->link.fd >= 0)
		close(keeper->link.fd);
	if (signal_fd >= 0)
		close(signal_fd);
	return error;
}
