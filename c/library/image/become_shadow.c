/* become_shadow.c - Turns this process into the shadow.
 *
 * The last step of a move from home: same PID, same descriptors. Everything that can fail is done before the exec, and
 * undone when the exec fails.
 */
#include "image/become_shadow.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <asm/unistd.h>

#include "fault.h"
#include "mem.h"
#include "syscall.h"
#include "text.h"

#include "process/actions.h"
#include "process/process.h"

#define UPPER_DESCRIPTORS 64        /* numbers below RLIMIT_NOFILE that the library takes for itself */
#define SHADOW_MEMORY (10ULL << 20) /* its segments are 9 MB, its stack is small: size(1) */
#define NOFILE_CONSIDERED 65536     /* lb_state.cloexec covers these */
#define NOFILE_USUAL 4096           /* no higher than needed: the kernel's table grows with the number */

/* Limits under which a shadow cannot begin, be it that the kernel kills this process in the middle of the exec. */
static struct {
	uint32_t resource;
	uint64_t needed;
	int error;
	bool raised;
	uint64_t before[2];
} limits[] = {
	{ RLIMIT_FSIZE, sizeof(struct lb_state), -EFBIG, false, { 0, 0 } },
	{ RLIMIT_DATA, SHADOW_MEMORY, -LB_E_MEMORY, false, { 0, 0 } },
	{ RLIMIT_AS, SHADOW_MEMORY, -LB_E_MEMORY, false, { 0, 0 } },
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

/* Calls `each` for every open descriptor but the one that lists them. */
static int each_descriptor(int (*each)(int fd))
{
	int error = 0;
	static char entries[4096]; /* struct linux_dirent64: ino 8, off 8, size 2, type 1, name */
	int64_t dir = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/self/fd", O_DIRECTORY, 0);
	if (dir < 0)
		return (int)dir;
	while (!error) {
		int64_t got = lb_syscall3(__NR_getdents64, dir, entries, sizeof entries);
		if (got <= 0)
			break;
		for (int64_t at = 0; at < got; at += *(uint16_t *)(entries + at + 16)) {
			int fd = 0;
			const char *name = entries + at + 19;
			for (; *name >= '0' && *name <= '9'; name++)
				fd = fd * 10 + (*name - '0');
			if (*name == 0 && fd != dir && !error)
				error = each(fd);
		}
	}
	lb_syscall1(__NR_close, dir);
	return error;
}

static int record_cloexec(int fd)
{
	int64_t flags = lb_syscall2(__NR_fcntl, fd, F_GETFD);
	if (flags < 0 || !(flags & FD_CLOEXEC))
		return 0;
	if (fd >= NOFILE_CONSIDERED)
		return -LB_E_DESCRIPTORS; /* the exec would close it */
	state.cloexec[fd / 64] |= 1ULL << fd % 64;
	lb_syscall3(__NR_fcntl, fd, F_SETFD, 0);
	return 0;
}

static void restore_cloexec(void)
{
	for (int fd = 0; fd < NOFILE_CONSIDERED; fd++)
		if (state.cloexec[fd / 64] & 1ULL << fd % 64)
			lb_syscall3(__NR_fcntl, fd, F_SETFD, FD_CLOEXEC);
}

/* The program's arguments, for ps(1) and killall(1) to find the shadow by. */
static void read_arguments(void)
{
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/self/cmdline", 0, 0);
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
	state.order_id = order->order_id;
	state.freeze_ns = freeze_ns;
	state.bytes = bytes;
	state.trace_fd = -1;
	state.reconnect_limit_ms = order->reconnect_limit_ms;
	state.io_timeout_ms = order->io_timeout_ms;
	lb_actions_summary(&state.actions);
	lb_text_copy(state.home_node, order->home_node, sizeof state.home_node);
	lb_text_copy(state.runs_on, order->destination, sizeof state.runs_on);
	lb_text_copy(state.control_path, lb_self.control_path, sizeof state.control_path);
	lb_syscall5(__NR_prctl, PR_GET_NAME, state.comm, 0, 0, 0);
	state.keeps_caps = lb_syscall5(__NR_prctl, PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1;
	const char *name = lb_self.exe;
	for (const char *c = lb_self.exe; *c; c++)
		if (*c == '/')
			name = c + 1;
	lb_text_copy(state.program, name, sizeof state.program);
	read_arguments();
}

static unsigned decimal(char *to, unsigned value)
{
	char digits[10];
	unsigned n = 0, length = 0;
	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	while (n)
		to[length++] = digits[--n];
	to[length] = 0;
	return length;
}

#define ARGUMENTS_MAX 1024u

static int64_t exec_shadow(void)
{
	static char *argv[ARGUMENTS_MAX + 2];
	static char where[LB_NODE_NAME_SIZE + 8] = "[on ";
	char state_variable[32] = LB_VARIABLE_STATE "=";
	char fault_variable[64] = LB_VARIABLE_FAULT "=";
	static char library_variable[LB_LIBRARY_PATH_SIZE + 20] = "LD_LIBRARY_PATH=";
	char *envp[4] = { state_variable, 0, 0, 0 };
	unsigned argc = 0, envc = 1;
	for (uint32_t at = 0; at < state.text_size && argc < ARGUMENTS_MAX; at++) {
		argv[argc++] = state.text + at;
		while (state.text[at])
			at++;
	}
	if (argc == 0)
		argv[argc++] = state.program;
	lb_text_copy(where + 4, state.runs_on[0] ? state.runs_on : "no node yet", LB_NODE_NAME_SIZE);
	where[4 + strlen(where + 4)] = ']';
	argv[argc++] = where;
	argv[argc] = 0;
	decimal(state_variable + sizeof LB_VARIABLE_STATE, (unsigned)state.state_fd);
	if (lb_fault_plan.number) {
		static const char *const actions[] = { "", "kill", "hang", "cut", "fail", "pause" };
		char *at = fault_variable + sizeof LB_VARIABLE_FAULT;
		at += decimal(at, lb_fault_plan.number);
		*at = ':';
		lb_text_copy(at + 1, actions[lb_fault_plan.action], 16);
		envp[envc++] = fault_variable;
	}
	if (lb_library_path[0]) {
		lb_text_copy(library_variable + 16, lb_library_path, LB_LIBRARY_PATH_SIZE);
		envp[envc] = library_variable;
	}
	return lb_syscall5(__NR_execveat, state.shadow_fd, "", argv, envp, AT_EMPTY_PATH);
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

/* The program's limits come back with the process: they are part of the image (kernel_state.c). */
static void raise_limits(void)
{
	for (unsigned i = 0; i < LIMITS; i++) {
		uint64_t *before = limits[i].before;
		lb_syscall4(__NR_prlimit64, 0, limits[i].resource, 0, before);
		uint64_t wanted[2] = { before[1], before[1] };
		limits[i].raised = before[0] < limits[i].needed &&
			lb_syscall4(__NR_prlimit64, 0, limits[i].resource, wanted, 0) == 0;
	}
}

static void put_limit_back(unsigned i)
{
	if (limits[i].raised)
		lb_syscall4(__NR_prlimit64, 0, limits[i].resource, limits[i].before, 0);
	limits[i].raised = false;
}

/* The state's content: its file is as long as it will ever be, and the limit on files is the program's again. */
static int write_state(void)
{
	int64_t written = lb_syscall4(__NR_pwrite64, state.state_fd, &state, sizeof state, 0);
	put_limit_back(0);
	return written == (int64_t)sizeof state ? 0 : -ENOSPC;
}

static bool is_same_file(int a, int b)
{
	uint64_t files[2][18]; /* struct stat: it begins with st_dev and st_ino */
	return lb_syscall2(__NR_fstat, a, files[0]) == 0 && lb_syscall2(__NR_fstat, b, files[1]) == 0 &&
		files[0][0] == files[1][0] && files[0][1] == files[1][1];
}

int lb_become_shadow(const struct lb_local_order *order, int link_fd, int shadow_fd, int preload_fd, uint64_t bytes,
	uint64_t freeze_ns)
{
	int error;
	fill_state(order, bytes, freeze_ns);
	int64_t memfd = lb_syscall2(__NR_memfd_create, LB_NAME_STATE, 0);
	if (memfd < 0)
		return (int)memfd;
	state.state_fd = lb_move_up((int)memfd);
	int64_t exe = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/self/exe", O_PATH | O_CLOEXEC, 0);
	if (exe >= 0 && is_same_file((int)exe, shadow_fd)) { /* it came home without its file: home.c of the shadow */
		lb_syscall1(__NR_close, exe);
		exe = -1;
	}
	state.exe_fd = exe < 0 ? -1 : lb_move_up((int)exe);
	state.link_fd = link_fd;
	state.shadow_fd = shadow_fd;
	state.preload_fd = preload_fd;
	error = state.state_fd < 0 ? state.state_fd : state.exe_fd < -1 ? state.exe_fd : 0;
	if (!error) {
		error = each_descriptor(record_cloexec);
		if (error)
			restore_cloexec();
	}
	if (!error) {
		const int own[5] = { state.state_fd, state.exe_fd, link_fd, shadow_fd, preload_fd };
		for (int i = 0; i < 5; i++)
			if (own[i] >= 0)
				state.cloexec[own[i] / 64] &= ~(1ULL << own[i] % 64);
		raise_limits();
		error = write_state();
		if (!error) {
			lb_fds_end();
			error = (int)exec_shadow();
			lb_fds_begin();
		}
		for (unsigned i = 0; i < LIMITS; i++)
			put_limit_back(i);
		restore_cloexec();
	}
	if (state.state_fd >= 0)
		lb_syscall1(__NR_close, state.state_fd);
	if (state.exe_fd >= 0)
		lb_syscall1(__NR_close, state.exe_fd);
	return error;
}
