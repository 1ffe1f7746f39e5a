/* misc.c - Calls that a table row cannot describe.
 *
 * Part here, part at home, or by their arguments.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/kcmp.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <asm/prctl.h>
#include <asm/socket.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "forward.h"
#include "trap/stub.h"
#include "calls/own.h"
#include "process/own_memory.h"
#include "cache/ring.h"

#define SOL_SOCKET_LEVEL 1 /* SOL_SOCKET; asm/socket.h has only the options */
#define IPPROTO_TCP_LEVEL 6
#define TCP_ZEROCOPY_RECEIVE_OPTION 35
#define NETFILTER_FIRST 64 /* IPT_BASE_CTL, EBT_BASE_CTL and the like */
#define NETFILTER_END 160
#define PERSONALITY_ASKED 0xffffffffu /* personality(2): changes nothing */
#define PRCTL_END 1000u
#define FCNTL_LAST 1038u /* F_SET_FILE_RW_HINT */
#define FCNTL_END 1100u
#define PR_GET_MDWE_VALUE 66 /* newer than some headers: include/uapi/linux/prctl.h, Linux 6.12 */
#define PR_SET_MEMORY_MERGE_VALUE 67
#define PR_GET_MEMORY_MERGE_VALUE 68
#define PR_GET_AUXV_VALUE 0x41555856
#define ARCH_SHSTK_ENABLE_VALUE 0x5001
#define COMM_SIZE 16 /* TASK_COMM_LEN */

static int64_t forward(struct lb_trap *trap)
{
	return lb_forward_row(trap, lb_row_of(trap->number));
}

/* ---- identity ---- */

int64_t lb_own_getpid(struct lb_trap *trap)
{
	(void)trap;
	return (int64_t)lb_self.home_pid;
}

int64_t lb_own_gettid(struct lb_trap *trap)
{
	(void)trap;
	return (int64_t)lb_self.home_pid; /* one thread: its id is the process's */
}

int64_t lb_own_set_tid_address(struct lb_trap *trap)
{
	lb_syscall1(__NR_set_tid_address, trap->args[0]);
	return (int64_t)lb_self.home_pid;
}

int64_t lb_own_exit_group(struct lb_trap *trap)
{
	struct lb_link_status status = { .code = (int32_t)trap->args[0] };

	/* Home hears it in order, after every call before; should the link be lost, the keeper tells it. What was
	 * written behind arrives first, so that nobody has to send it after this process's end. */
	if (lb_ring() != NULL) {
		lb_ring_tell_read();
		lb_link_wait_applied(lb_ring()->head);
	}
	lb_link_send(LB_LINK_EXIT, 0, &status, sizeof(status));
	for (;;)
		lb_syscall1(__NR_exit_group, trap->args[0]);
}

int64_t lb_own_exit(struct lb_trap *trap)
{
	return lb_own_exit_group(trap);
}

/* ---- calls with a PID as first argument that concern the process as it runs here ---- */

static bool is_self(uint64_t pid)
{
	return (uint32_t)pid == 0 || (uint32_t)pid == lb_self.home_pid;
}

/* Another process is at home: the call goes there, or the process where a row cannot carry it. */
static int64_t here_for_self(struct lb_trap *trap, uint64_t self)
{
	const struct lb_row *row = lb_row_of(trap->number);

	if (is_self(trap->args[0]))
		return lb_here_value(trap, 0, self);
	return row->operands[0] == V ? lb_forward_row(trap, row) : LB_NEEDS_HOME;
}

#define HERE_FOR_SELF(name, self) \
	int64_t lb_own_##name(struct lb_trap *trap) \
	{ \
		return here_for_self(trap, self); \
	}
HERE_FOR_SELF(get_robust_list, 0)
HERE_FOR_SELF(process_vm_readv, lb_self.local_pid)
HERE_FOR_SELF(process_vm_writev, lb_self.local_pid)
HERE_FOR_SELF(migrate_pages, 0)
HERE_FOR_SELF(move_pages, 0)

int64_t lb_own_kcmp(struct lb_trap *trap)
{
	trap->given = (int)trap->args[2] == KCMP_EPOLL_TFD ? sizeof(struct kcmp_epoll_slot) : 0;
	return forward(trap);
}

int64_t lb_own_personality(struct lb_trap *trap)
{
	return (uint32_t)trap->args[0] == PERSONALITY_ASKED ? forward(trap) : LB_NEEDS_HOME;
}

/* capget(2): the version tells how long the data is; where it is unknown home tells the right one. */
static int64_t capabilities(struct lb_trap *trap)
{
	uint32_t version = 0;

	if (lb_user_read(&version, trap->args[0], sizeof(version)) < 0)
		return -EFAULT;
	trap->given = version == _LINUX_CAPABILITY_VERSION_1 ? 12 : 24;
	return forward(trap);
}

int64_t lb_own_capget(struct lb_trap *trap)
{
	return capabilities(trap);
}

int64_t lb_own_capset(struct lb_trap *trap)
{
	return capabilities(trap);
}

/* ---- limits: those on what exists at home are home's ---- */

static bool is_home_limit(uint64_t resource)
{
	switch ((uint32_t)resource) {
	case RLIMIT_FSIZE:
	case RLIMIT_NOFILE:
	case RLIMIT_NPROC:
	case RLIMIT_LOCKS:
	case RLIMIT_MSGQUEUE:
	case RLIMIT_NICE:
		return true;
	default:
		return false;
	}
}

/* The program has a limit of its own: a child at home is to have it too (forward_child.c). */
static void note_limit(uint64_t resource, uint64_t wanted)
{
	if (wanted != 0 && (uint32_t)resource < LB_LIMITS)
		lb_self.limits_set |= 1ULL << (uint32_t)resource;
}

/* A limit whose number in the kernel is not the program's: new one at `wanted`, old one to `old`, 0: none. */
static int64_t own_limit(uint32_t resource, uint64_t wanted, uint64_t old)
{
	uint64_t before[2], after[2];
	int64_t result = 0;

	if (wanted != 0 && lb_user_read(after, wanted, sizeof(after)) < 0)
		return -EFAULT;
	lb_limit_get(resource, before);
	if (wanted != 0)
		result = after[0] > after[1] ? -EINVAL : lb_limit_set(resource, after);
	if (result < 0)
		return result;
	note_limit(resource, wanted);
	return old != 0 && lb_user_write(old, before, sizeof(before)) < 0 ? -EFAULT : 0;
}

int64_t lb_limit_told(uint32_t resource, uint64_t limit[2])
{
	struct lb_request request = { .number = __NR_prlimit64 };

	if (!is_home_limit(resource))
		return lb_limit_get(resource, limit);
	lb_request_value(&request, 0, 0);
	lb_request_value(&request, 1, resource);
	lb_request_value(&request, 2, 0);
	lb_request_memory(&request, 3, LB_ARG_OUT, (uint64_t)limit, 2 * sizeof(limit[0]));
	return lb_request_run(&request);
}

int64_t lb_own_getrlimit(struct lb_trap *trap)
{
	if (is_home_limit(trap->args[0]))
		return forward(trap);
	if (!lb_limit_is_ours((uint32_t)trap->args[0]))
		return lb_here(trap);
	return trap->args[1] != 0 ? own_limit((uint32_t)trap->args[0], 0, trap->args[1]) : -EFAULT;
}

int64_t lb_own_setrlimit(struct lb_trap *trap)
{
	if (is_home_limit(trap->args[0]))
		return forward(trap);
	if (lb_limit_is_ours((uint32_t)trap->args[0]))
		return trap->args[1] != 0 ? own_limit((uint32_t)trap->args[0], trap->args[1], 0) : -EFAULT;
	note_limit(trap->args[0], trap->args[1]);
	return lb_here(trap);
}

int64_t lb_own_prlimit64(struct lb_trap *trap)
{
	uint32_t pid = (uint32_t)trap->args[0];

	if (pid != 0 && pid != lb_self.home_pid)
		return forward(trap);
	if (is_home_limit(trap->args[1]))
		return forward(trap);
	if (lb_limit_is_ours((uint32_t)trap->args[1]))
		return own_limit((uint32_t)trap->args[1], trap->args[2], trap->args[3]);
	note_limit(trap->args[1], trap->args[2]);
	return lb_here_value(trap, 0, 0);
}

/* ---- prctl(2) ---- */

static int64_t home_with_memory(struct lb_trap *trap, uint8_t kind, uint64_t size)
{
	struct lb_request request = { .number = trap->number };
	unsigned i;

	for (i = 0; i < 5; i++)
		lb_request_value(&request, i, trap->args[i]);
	if (trap->args[1] != 0)
		lb_request_memory(&request, 1, kind, trap->args[1], size);
	return lb_request_run(&request);
}

static int64_t set_name(struct lb_trap *trap)
{
	char name[COMM_SIZE];
	int64_t result = lb_user_string(name, trap->args[1], sizeof(name) - 1);

	if (result == -EFAULT)
		return result;
	name[result < 0 ? COMM_SIZE - 1 : result] = '\0'; /* longer names are cut: prctl(2) */
	if (!lb_thread()->has_child)
		lb_syscall2(__NR_prctl, PR_SET_NAME, name);
	trap->args[1] = (uint64_t)name;
	return home_with_memory(trap, LB_ARG_IN, sizeof(name));
}

int64_t lb_own_prctl(struct lb_trap *trap)
{
	switch ((int)trap->args[0]) {
	case PR_SET_NAME:
		return set_name(trap);
	case PR_SET_DUMPABLE:
		/* The shadow's own setting matters only for its end, and there it has none: no core. */
	case PR_GET_DUMPABLE:
	case PR_GET_NAME:
	case PR_SET_TIMERSLACK:
	case PR_GET_TIMERSLACK:
	case PR_GET_TID_ADDRESS:
	case PR_SET_THP_DISABLE:
	case PR_GET_THP_DISABLE:
	case PR_SET_VMA:
	case PR_GET_TSC:
	case PR_GET_SPECULATION_CTRL:
	case PR_SET_SPECULATION_CTRL:
	case PR_GET_TIMING:
	case PR_SET_TIMING:
	case PR_GET_ENDIAN:
	case PR_GET_FPEMU:
	case PR_GET_FPEXC:
	case PR_GET_UNALIGN:
	case PR_MCE_KILL:
	case PR_MCE_KILL_GET:
	case PR_TASK_PERF_EVENTS_DISABLE:
	case PR_TASK_PERF_EVENTS_ENABLE:
	case PR_GET_FP_MODE:
	case PR_GET_TAGGED_ADDR_CTRL:
	case PR_GET_MDWE_VALUE:
	case PR_SET_MEMORY_MERGE_VALUE:
	case PR_GET_MEMORY_MERGE_VALUE:
	case PR_GET_AUXV_VALUE:
		return lb_here(trap);
	case PR_SET_PDEATHSIG: /* the parent is at home */
	case PR_SET_CHILD_SUBREAPER:
	case PR_SET_KEEPCAPS:
	case PR_GET_KEEPCAPS:
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
	case PR_GET_SECUREBITS:
	case PR_SET_SECUREBITS:
	case PR_SET_NO_NEW_PRIVS:
	case PR_GET_NO_NEW_PRIVS:
	case PR_CAP_AMBIENT:
	case PR_GET_SECCOMP: /* a filter holds through every exec: the shadow has it */
	case PR_SET_PTRACER:
	case PR_GET_IO_FLUSHER:
	case PR_SET_IO_FLUSHER:
		return home_with_memory(trap, LB_ARG_VALUE, 0);
	case PR_GET_PDEATHSIG:
	case PR_GET_CHILD_SUBREAPER:
		return home_with_memory(trap, LB_ARG_OUT, sizeof(int32_t));
	default:
		/* Far above what any kernel knows: EINVAL, wherever it runs. */
		return (uint32_t)trap->args[0] >= PRCTL_END ? -EINVAL : LB_NEEDS_HOME;
	}
}

int64_t lb_own_arch_prctl(struct lb_trap *trap)
{
	switch ((int)trap->args[0]) {
	case ARCH_SET_CPUID:          /* this library needs it: attributes.c */
	case ARCH_SHSTK_ENABLE_VALUE: /* no image has such a stack */
		return LB_NEEDS_HOME;
	default:
		return lb_here(trap);
	}
}

/* ---- descriptors ---- */

int64_t lb_own_ioctl(struct lb_trap *trap)
{
	struct lb_row row;

	if (lb_proc_asks_maps(trap->args[0], trap->args[1]))
		return lb_proc_ask_maps(trap->args[1], trap->args[2]);
	return lb_ioctl_row(trap->args[1], &row) ? lb_forward_row(trap, &row) : LB_NEEDS_HOME;
}

int64_t lb_own_fcntl(struct lb_trap *trap)
{
	struct lb_row row;

	if (lb_fcntl_row(trap->args[1], &row))
		return lb_forward_row(trap, &row);
	/* A command of a newer kernel may take a pointer. */
	if ((uint32_t)trap->args[1] > FCNTL_LAST && (uint32_t)trap->args[1] < FCNTL_END)
		return LB_NEEDS_HOME;
	return forward(trap);
}

/* Options whose value points to more memory: those are only right at home. */
static bool is_nested_option(const struct lb_trap *trap)
{
	uint32_t level = (uint32_t)trap->args[1];
	uint32_t option = (uint32_t)trap->args[2];

	switch (level) {
	case SOL_SOCKET_LEVEL:
		return option == SO_ATTACH_FILTER || option == SO_ATTACH_REUSEPORT_CBPF || option == SO_GET_FILTER;
	case IPPROTO_TCP_LEVEL:
		return option == TCP_ZEROCOPY_RECEIVE_OPTION;
	default:
		return option >= NETFILTER_FIRST && option < NETFILTER_END;
	}
}

int64_t lb_own_setsockopt(struct lb_trap *trap)
{
	return is_nested_option(trap) ? LB_NEEDS_HOME : forward(trap);
}

int64_t lb_own_getsockopt(struct lb_trap *trap)
{
	return is_nested_option(trap) ? LB_NEEDS_HOME : forward(trap);
}

/* ---- paths that may lead into /proc ---- */

/* resolves: only as openat2(2) was told, which home knows. */
static int64_t open_path(struct lb_trap *trap, uint64_t address, uint64_t flags, bool resolves)
{
	static char path[PATH_MAX];
	int64_t result;

	if (lb_user_string(path, address, sizeof(path)) < 0)
		return forward(trap); /* which finds the same error, in the right order */
	if (lb_proc_is_foreign(path))
		return LB_NEEDS_HOME;
	if (!lb_proc_is_local(path, flags))
		return forward(trap);
	if (resolves) {
		result = forward(trap);
		if (result < 0)
			return result;
		lb_home_values(__NR_close, (uint64_t)result, 0, 0, 0);
	}
	return lb_proc_open(path, flags);
}

int64_t lb_own_open(struct lb_trap *trap)
{
	return open_path(trap, trap->args[0], trap->args[1], false);
}

int64_t lb_own_openat(struct lb_trap *trap)
{
	return open_path(trap, trap->args[1], trap->args[2], false);
}

int64_t lb_own_openat2(struct lb_trap *trap)
{
	struct open_how how;

	if (trap->args[3] < sizeof(how) || lb_user_read(&how, trap->args[2], sizeof(how)) < 0)
		return forward(trap);
	return open_path(trap, trap->args[1], how.flags, how.resolve != 0);
}

static int64_t read_link(struct lb_trap *trap, uint64_t path_at, uint64_t buffer, uint64_t size)
{
	static char path[PATH_MAX];
	uint64_t length = strlen(lb_self.exe);

	if (lb_user_string(path, path_at, sizeof(path)) < 0 || !lb_proc_is_exe(path) || length == 0)
		return forward(trap);
	if ((int32_t)size <= 0)
		return -EINVAL;
	if (length > (uint32_t)size)
		length = (uint32_t)size;
	return lb_user_write(buffer, lb_self.exe, length) < 0 ? -EFAULT : (int64_t)length;
}

int64_t lb_own_readlink(struct lb_trap *trap)
{
	return read_link(trap, trap->args[0], trap->args[1], trap->args[2]);
}

int64_t lb_own_readlinkat(struct lb_trap *trap)
{
	return read_link(trap, trap->args[1], trap->args[2], trap->args[3]);
}
