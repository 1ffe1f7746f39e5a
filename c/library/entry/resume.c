/* resume.c - Repairs a restored process, and parks it until it counts.
 *
 * The first thing that runs there. Nothing of the program has run yet.
 */
#include "entry/resume.h"

#include <linux/fcntl.h>
#include <linux/resource.h>
#include <asm/unistd.h>

#include "fault.h"
#include "mem.h"
#include "lb_restorer.h"
#include "socket.h"
#include "syscall.h"
#include "text.h"

#include "calls/fork.h"
#include "calls/held.h"
#include "home_call/link.h"
#include "home_call/ring.h"
#include "image/kept.h"
#include "image/kernel_state.h"
#include "image/mapped.h"
#include "image/posix_timers.h"
#include "image/scheduling.h"
#include "image/stream.h"
#include "image/threads.h"
#include "image/vdso.h"
#include "patch/deferred.h"
#include "process/actions.h"
#include "process/arm.h"
#include "process/clock.h"
#include "process/limits.h"
#include "process/own_memory.h"
#include "process/process.h"
#include "thread/thread.h"

/* They lie in the hole still. */
static const struct lb_restorer_args *restorer_of(const struct lb_resume_args *args)
{
	_Static_assert(offsetof(struct lb_restorer_args, resume) == 0, "resume is its first member");
	return (const void *)args;
}

static void take_place(const struct lb_resume_args *args)
{
	const struct lb_image_header *header = &restorer_of(args)->header; /* `lb shadow IMAGE` has renamed it */
	lb_self.local_pid = (uint32_t)lb_syscall0(__NR_getpid);
	lb_self.hole_start = args->hole_start;
	lb_self.hole_end = args->hole_end;
	lb_self.ring_start = 0; /* that was the last node's */
	lb_self.ring_end = 0;
	lb_self.vdso = args->vdso;
	lb_self.away = !args->at_home;
	lb_self.ticket = args->ticket;
	lb_self.copy = (__builtin_ia32_rdtsc() ^ (uint64_t)lb_self.local_pid << 40) | 1;
	lb_self.signals_had = 0;
	if (lb_thread()->home_tid == lb_self.home_pid) /* by another shadow it may be another one */
		lb_thread()->home_tid = args->home_pid;
	lb_self.home_pid = args->home_pid;
	lb_self.start_ticks = header->start_ticks;
	lb_text_copy(lb_self.home_node, header->home_node, sizeof lb_self.home_node);
	lb_self.stream_fd = args->stream_fd;
	lb_self.link_fd = args->link_fd;
	lb_self.keeper_fd = args->keeper_fd;
	lb_text_copy(lb_self.node, args->node, sizeof lb_self.node);
	lb_text_copy(lb_self.control_path, args->control_path, sizeof lb_self.control_path);
	if (args->at_home) {
		lb_self.monotonic_offset_ns = 0;
		return;
	}
	/* The program's clock goes on from what it was when GO was sent: one way of the network behind home's,
	 * so that it does not run backwards when the process comes home. */
	uint64_t there = args->go_monotonic_ns ? args->go_monotonic_ns : lb_frozen_monotonic_ns();
	uint64_t here = args->here_monotonic_ns ? args->here_monotonic_ns : (uint64_t)lb_monotonic_raw_ns();
	lb_self.monotonic_offset_ns = (int64_t)(there - here);
}

/* Fault points from here on are this node's to plan: its keeper's environment, not the program's. */
static void take_fault(const struct lb_resume_args *args)
{
	const struct lb_restorer_args *restorer = restorer_of(args);

	if (restorer->fault.number != 0)
		lb_fault_plan = restorer->fault;
}

static int say_running(int fd)
{
	struct lb_link_running running = { (uint64_t)lb_monotonic_raw_ns(), lb_self.local_pid };
	return lb_stream_send(fd, LB_LINK_RUNNING, &running, sizeof running);
}

static void tell_keeper(uint32_t type)
{
	struct lb_keeper_message message = { type, lb_self.local_pid };
	lb_syscall6(__NR_sendto, lb_self.keeper_fd, &message, sizeof message, LB_MSG_NOSIGNAL, 0, 0);
}

/* With the ring, if there is memory for one; without it every call goes home at once. */
static void tell_parked(void)
{
	struct lb_keeper_message message = { LB_KEEPER_PARKED, lb_self.local_pid };
	struct iovec piece = { &message, sizeof message };
	struct lb_rights rights = { 0 };
	struct lb_msghdr out = { .iov = &piece, .iov_count = 1 };
	int fd = lb_ring_create();
	if (fd >= 0) {
		rights = (struct lb_rights){ LB_RIGHTS_SIZE(1), LB_SOL_SOCKET, LB_SCM_RIGHTS, { fd } };
		out.control = &rights;
		out.control_size = LB_RIGHTS_SIZE(1);
	}
	lb_syscall3(__NR_sendmsg, lb_self.keeper_fd, &out, LB_MSG_NOSIGNAL);
	if (fd >= 0)
		lb_syscall1(__NR_close, fd);
}

__attribute__((noreturn)) static void exit_parked(void)
{
	tell_keeper(LB_KEEPER_LEFT);
	for (;;)
		lb_syscall1(__NR_exit_group, 1);
}

/* This node cannot give what the process needs. Its source hears why, and goes on. */
__attribute__((noreturn)) static void refuse(const struct lb_resume_args *args, int error)
{
	struct lb_link_status status = { error, 0 };

	if (args->stream_fd >= 0)
		lb_stream_send(args->stream_fd, LB_LINK_FAILED, &status, sizeof status);
	exit_parked();
}

/* A first move: the source becomes the shadow and sends SERVE on the connection that carried the memory. */
static int wait_served(void)
{
	struct lb_link_header header;
	struct lb_link_serve serve; /* a stream begins at 0 */
	int64_t type = lb_link_receive(&header, &serve, sizeof serve);
	if (type == LB_LINK_SERVE && header.size == sizeof serve && lb_ring_go_on(serve.backlog_at)) {
		lb_held_hear(&serve);
		return 0;
	}
	return lb_link_reconnect();
}

static void resume_away(const struct lb_resume_args *args)
{
	bool first_move = args->stream_fd >= 0 && args->stream_fd == args->link_fd;
	take_fault(args);
	if (lb_fault(LB_FAULT_GUEST_RUNNING) == LB_FAULT_DO_FAIL)
		exit_parked();
	/* What a node may not give: before anything is decided. */
	int error = lb_areas_make() ? lb_threads_make(0, 0) : -LB_E_MEMORY;
	if (!error)
		error = lb_timers_make();
	if (!error)
		error = lb_scheduling_give(lb_thread());
	if (error)
		refuse(args, error);
	lb_mapped_take(args);
	/* First PARKED: the keeper may end a guest that has not said so when the source is gone (c/keeper/loop.c). */
	tell_parked();
	error = lb_frozen_fits();
	if (error)
		refuse(args, error);
	if (args->stream_fd >= 0 && say_running(args->stream_fd) && !first_move)
		exit_parked(); /* the source is gone or gave up: it, or its keeper, goes on there */
	uint32_t action = lb_fault(LB_FAULT_GUEST_PARKED);
	if (action == LB_FAULT_DO_CUT && args->stream_fd >= 0)
		lb_syscall2(__NR_shutdown, args->stream_fd, LB_SHUT_RDWR);
	if (action == LB_FAULT_DO_FAIL)
		exit_parked();
	if (!first_move)
		lb_fault(LB_FAULT_MOVE_ACTIVATE);
	/* HELLO with a ticket that is prepared, or waiting, makes it the live one: that is the commit. */
	if ((first_move ? wait_served() : lb_link_begin()) < 0)
		exit_parked();
	if (!first_move && args->stream_fd >= 0)
		lb_syscall1(__NR_close, args->stream_fd);
	lb_self.stream_fd = -1;
	lb_actions_give();
	lb_link_prepare_socket();
	error = lb_arm();
	if (error) /* the daemon checks for this before an offer; nothing of the program has run, but home is gone */
		exit_parked();
	lb_thaw(false, lb_first_is_a_thread());
	tell_keeper(LB_KEEPER_SERVED);
	/* Nothing can fail here any more: this copy is the live one. */
	if (lb_fault(LB_FAULT_GUEST_SERVED) == LB_FAULT_DO_CUT)
		lb_syscall2(__NR_shutdown, lb_self.link_fd, LB_SHUT_RDWR);
}

/* The shadow, which has lent the process, is gone from here on; its descriptors and its memory go, too. */
static void drop_shadow(const struct lb_resume_args *args)
{
	const struct lb_state *state = args->state;
	if (state->nofile[0])
		lb_syscall4(__NR_prlimit64, 0, RLIMIT_NOFILE, state->nofile, 0);
	lb_syscall2(__NR_munmap, lb_self.range_start, LB_RANGE_SIZE);
	lb_self.range_start = 0;
}

/* The guest is gone by now. */
__attribute__((noreturn)) static void die_at_home(const char *reason, const char *fix)
{
	const char *const parts[] = { "lb: Cannot go on at home as ", reason, "\n    fix: ", fix, "\n" };
	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
		lb_syscall3(__NR_write, 2, parts[i], strlen(parts[i]));
	for (;;)
		lb_syscall2(__NR_kill, lb_self.local_pid, SIGKILL);
}

static void resume_home(const struct lb_resume_args *args)
{
	const struct lb_state *state = args->state;
	bool is_child = lb_fork_is_born();
	if (is_child) {
		lb_fork_begin_life();
	} else if (lb_threads_make((struct lb_parked *)state->parked, state->parked_count)) {
		die_at_home("its threads cannot be made again", "Let the user have more processes: ulimit -u");
	} else if (lb_timers_make()) {
		die_at_home(
			"its POSIX timers cannot be made again", "Let the user have more pending signals: ulimit -i");
	}
	if (!is_child)
		lb_frozen_take_meanwhile();
	lb_actions_give();
	lb_thaw(true, lb_first_is_a_thread());
	lb_self.signalfds = lb_self.held = 0; /* the next shadow tells */
	lb_fault(LB_FAULT_HOME_CONFIRM);
	if (say_running(args->stream_fd) && is_child)
		lb_syscall1(__NR_exit_group, 1); /* home has given it up: there was no child */
	/* Lost or not: the guest is dead from GO on, and learns so by asking. */
	lb_syscall1(__NR_close, args->stream_fd);
	drop_shadow(args);
	lb_self.stream_fd = -1;
	lb_self.link_fd = -1;
	lb_self.keeper_fd = -1;
	lb_areas_drop();
	lb_kept_drop();
}

/* Of the hole only the node's vdso is of use from now on. The arguments lie in it, too. */
static void trim_hole(const struct lb_resume_args *args)
{
	const struct lb_restorer_args *restorer = restorer_of(args);
	uint64_t start = lb_self.hole_start;
	uint64_t vdso = restorer->vdso_parts > 0 ? restorer->vdso[0].target : lb_self.hole_end;

	lb_self.hole_start = vdso;
	lb_syscall2(__NR_munmap, start, vdso - start);
	lb_limits_follow(0);
}

void lb_resume(const struct lb_resume_args *args)
{
	if (lb_fork_is_born()) {
		lb_threads_forget_others();
		lb_thread()->home_tid = (uint32_t)lb_syscall0(__NR_gettid);
	}
	lb_threads_choose_first(args->at_home);
	if (lb_first_is_a_thread())
		lb_thread()->local_tid = (uint32_t)lb_syscall0(__NR_gettid);
	take_place(args);
	lb_fast_reset();
	lb_vdso_aim(args->vdso);
	if (args->at_home)
		resume_home(args);
	else
		resume_away(args);
	trim_hole(args);
	lb_threads_begin();
}
