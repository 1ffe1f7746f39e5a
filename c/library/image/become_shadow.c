/* become_shadow.c - Turns this process into the shadow.
 *
 * The last step of a move from home: same PID, same descriptors, same threads. The shadow is loaded beside the program
 * and entered; what can fail is done before that, and undone when it fails.
 */
#include "image/become_shadow.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <asm/unistd.h>

#include "fault.h"
#include "load.h"
#include "mem.h"
#include "syscall.h"
#include "text.h"

#include "image/posix_timers.h"
#include "image/rseq.h"
#include "process/actions.h"
#include "process/process.h"

#define UPPER_DESCRIPTORS 64    /* numbers below RLIMIT_NOFILE that the library takes for itself */
#define NOFILE_CONSIDERED 65536 /* the shadow watches no higher ones */
#define ROBUST_SIZE 24          /* of struct robust_list_head, linux/futex.h */
#define NOFILE_USUAL 4096       /* no higher than needed: the kernel's table grows with the number */

/* Limits under which a shadow cannot begin. It counts beside the program at first: soft ones are raised meanwhile. */
static const struct {
	uint32_t resource;
	uint64_t needed;
	int error;
} limits[] = {
	{ RLIMIT_AS, LB_SHADOW_MEMORY, -LB_E_MEMORY },
	{ RLIMIT_DATA, LB_SHADOW_MEMORY, -LB_E_MEMORY },
};
#define LIMITS (sizeof limits / sizeof limits[0])

static struct lb_state state; /* not read again after a move: the shadow has its own copy */

/* The program's RLIMIT_NOFILE is for its descriptors: ours are behind it, as the shadow's (c/shadow/descriptors.c). */
static uint64_t program_limit[2];
static bool raised;

void lb_fds_begin(void)
{
	lb_syscall4(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, program_limit);
	uint64_t wanted[2] = { program_limit[0] + UPPER_DESCRIPTORS, program_limit[1] };
	if (wanted[1] < wanted[0]) /* only the privileged may */
		wanted[1] = wanted[0];
	raised = program_limit[0] <= NOFILE_CONSIDERED - UPPER_DESCRIPTORS &&
		lb_syscall4(__NR_prlimit64, 0, RLIMIT_NOFILE, wanted, 0) == 0;
}

void lb_fds_end(void)
{
	if (raised)
		lb_syscall4(__NR_prlimit64, 0, RLIMIT_NOFILE, program_limit, 0);
	raised = false;
}

int lb_move_up(int fd)
{
	uint64_t top = program_limit[0] < NOFILE_USUAL ? program_limit[0] : NOFILE_USUAL;
	uint64_t base = top > 2 * UPPER_DESCRIPTORS ? top - UPPER_DESCRIPTORS : top / 2;
	if (raised)
		base = program_limit[0];
	int64_t moved = lb_syscall3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, base);
	if (moved < 0)
		return -LB_E_DESCRIPTORS;
	if (moved >= NOFILE_CONSIDERED) {
		lb_syscall1(__NR_close, moved);
		return -LB_E_DESCRIPTORS;
	}
	lb_syscall1(__NR_close, fd);
	return (int)moved;
}

/* The program's arguments, for ps(1) and killall(1) to find the shadow by. */
static void read_arguments(void)
{
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/cmdline", 0, 0);
	int64_t got = fd < 0 ? fd : lb_syscall3(__NR_read, fd, state.text, sizeof state.text - 1);
	if (fd >= 0)
		lb_syscall1(__NR_close, fd);
	if (got <= 0)
		got = 0;
	state.text[got] = 0;
	state.text_size = (uint32_t)got + (got > 0 && state.text[got - 1] != 0);
	state.argc = 0;
	for (uint32_t i = 0; i < state.text_size; i++)
		state.argc += state.text[i] == 0;
}

static void fill_state(const struct lb_local_order *order, uint64_t bytes, uint64_t freeze_ns)
{
	memset(&state, 0, sizeof state);
	state.magic = LB_STATE_MAGIC;
	state.abi_version = LB_ABI_VERSION;
	state.home_pid = lb_self.home_pid;
	state.start_ticks = order->start_ticks;
	state.live_ticket = order->ticket;
	state.range_start = lb_self.range_start;
	state.fault_number = lb_fault_plan.number;
	state.fault_action = lb_fault_plan.action;
	state.order_id = order->order_id;
	state.freeze_ns = freeze_ns;
	state.bytes = bytes;
	state.reconnect_limit_ms = order->reconnect_limit_ms;
	state.io_timeout_ms = order->io_timeout_ms;
	lb_actions_summary(&state.actions);
	state.parked = (uint64_t)lb_parking;
	state.parked_count = LB_THREAD_SLOTS;
	lb_text_copy(state.home_node, order->home_node, sizeof state.home_node);
	lb_text_copy(state.runs_on, order->destination, sizeof state.runs_on);
	lb_text_copy(state.control_path, lb_self.control_path, sizeof state.control_path);
	lb_syscall5(__NR_prctl, PR_GET_NAME, state.comm, 0, 0, 0);
	const char *name = lb_self.exe;
	for (const char *c = lb_self.exe; *c; c++)
		if (*c == '/')
			name = c + 1;
	lb_text_copy(state.program, name, sizeof state.program);
	read_arguments();
}

static const char *where(void)
{
	static char text[LB_NODE_NAME_SIZE + 8] = "[on ";
	lb_text_copy(text + 4, state.runs_on[0] ? state.runs_on : "no node yet", LB_NODE_NAME_SIZE);
	text[4 + strlen(text + 4)] = ']';
	return text;
}

int lb_shadow_fits(void)
{
	for (unsigned i = 0; i < LIMITS; i++) {
		uint64_t now[2] = { ~0ULL, ~0ULL };
		lb_syscall4(__NR_prlimit64, 0, limits[i].resource, 0, now);
		if (now[1] < limits[i].needed)
			return limits[i].error;
	}
	return 0;
}

/* The shadow puts them back once the program's memory is gone. */
static void raise_limits(void)
{
	for (unsigned i = 0; i < LIMITS; i++) {
		lb_syscall4(__NR_prlimit64, 0, limits[i].resource, 0, state.limits[i]);
		uint64_t wanted[2] = { state.limits[i][1], state.limits[i][1] };
		lb_syscall4(__NR_prlimit64, 0, limits[i].resource, wanted, 0);
	}
}

static void put_limits_back(void)
{
	for (unsigned i = 0; i < LIMITS; i++)
		lb_syscall4(__NR_prlimit64, 0, limits[i].resource, state.limits[i], 0);
}

/* What an execve(2) does to a process. Actions stay: the shadow sets its own, and all signals are blocked. */
static void drop_program(void)
{
	const struct {
		uint64_t sp;
		uint32_t flags;
		uint64_t size;
	} no_stack = { 0, SS_DISABLE, 0 };
	lb_syscall2(__NR_sigaltstack, &no_stack, 0);
	lb_syscall2(__NR_set_robust_list, 0, ROBUST_SIZE);
	lb_syscall1(__NR_set_tid_address, 0);
	lb_rseq_drop();
	lb_timers_delete();
	lb_syscall0(__NR_munlockall);
}

/* Returns only when it fails. */
static int enter_shadow(void)
{
	struct lb_load load = {
		.file = state.shadow_fd,
		.start = lb_self.range_start,
		.arguments = state.argc ? state.text : state.program,
		.argc = state.argc ? state.argc : 1,
		.last = where(),
		.argument = &state,
	};
	int error = lb_load(&load);
	if (error)
		return error;
	lb_fds_end();
	error = lb_load_name(&load);
	if (error) {
		lb_fds_begin();
		lb_load_drop(&load);
		return error;
	}
	drop_program();
	lb_load_enter(&load);
}

int lb_become_shadow(const struct lb_local_order *order, int link_fd, int shadow_fd, uint64_t bytes, uint64_t freeze_ns)
{
	fill_state(order, bytes, freeze_ns);
	state.link_fd = link_fd;
	state.shadow_fd = shadow_fd;
	raise_limits();
	int error = enter_shadow();
	put_limits_back();
	return error;
}
