/* proc_files.c - /proc/self and /proc/PID of a guest, and their threads.
 *
 * What is true of the process comes from the node where it runs, with the PID that the program knows; descriptors,
 * directories and the program's file are home's.
 *
 * The content (proc_content.c) becomes a file in memory at home, so that its descriptor is like any other.
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "calls/proc_files.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "calls/own.h"
#include "calls/proc_content.h"
#include "home_call/request.h"
#include "process/own_memory.h"
#include "process/own_path.h"

/* Files that tell of the address space, the CPU time and the like. Not here: what home answers. */
static const char *const local_names[] = { "maps", "smaps", "smaps_rollup", "numa_maps", "status", "stat", "statm",
	"auxv", "cmdline", "environ", "limits", "io", "sched", "schedstat", "syscall", "wchan", "stack",
	"personality" };
/* Writing to them or mapping them is about the memory that is here. */
static const char *const foreign_names[] = { "mem", "pagemap", "clear_refs", "map_files" };

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(name, list[i]) == 0)
			return true;
	}
	return false;
}

bool lb_proc_is_foreign(const char *path)
{
	struct lb_thread *thread;
	const char *name = lb_own_path(path, &thread);

	return name != NULL && is_one_of(name, foreign_names, sizeof(foreign_names) / sizeof(foreign_names[0]));
}

bool lb_proc_is_local(const char *path, uint64_t flags)
{
	struct lb_thread *thread;
	const char *name = lb_own_path(path, &thread);

	return name != NULL && !(flags & (O_PATH | O_DIRECTORY)) &&
		is_one_of(name, local_names, sizeof(local_names) / sizeof(local_names[0]));
}

int64_t lb_proc_open(const char *path, uint64_t flags)
{
	struct lb_thread *thread;
	const char *name = lb_own_path(path, &thread);
	struct lb_request request = { .number = LB_HOME_MEMFD };
	int64_t size;

	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EACCES;
	size = lb_proc_content(name, thread);
	if (size < 0)
		return size;
	lb_request_memory(&request, 0, LB_ARG_IN, (uint64_t)lb_areas()->content, (uint64_t)size);
	lb_request_value(&request, 1, flags & O_CLOEXEC);
	lb_request_memory(&request, 2, LB_ARG_IN, (uint64_t)name, strlen(name) + 1);
	return lb_request_run(&request);
}

/* ---- ioctl(2) of /proc/self/maps: about the memory that is here ---- */

/* PROCMAP_QUERY, newer than some headers: include/uapi/linux/fs.h, Linux 6.11. */
#define ASK_MAPS 0xc0686611u

bool lb_proc_asks_maps(uint64_t fd, uint64_t request)
{
	static const char made[] = "/memfd:maps (deleted)"; /* as home has made it: LB_HOME_MEMFD */
	char path[48] = "/proc/thread-self/fd/";
	char name[sizeof(made)];
	struct lb_request call = { .number = __NR_readlink };
	size_t size = strlen(path);

	if ((uint32_t)request != ASK_MAPS)
		return false;
	path[size + lb_put_number((uint8_t *)path + size, (uint32_t)fd)] = '\0';
	lb_request_memory(&call, 0, LB_ARG_IN, (uint64_t)path, strlen(path) + 1);
	lb_request_memory(&call, 1, LB_ARG_OUT, (uint64_t)name, sizeof(name));
	lb_request_value(&call, 2, sizeof(name));
	return lb_request_run(&call) == (int64_t)strlen(made) && memcmp(name, made, strlen(made)) == 0;
}

int64_t lb_proc_ask_maps(uint64_t request, uint64_t query)
{
	int64_t fd = lb_syscall3(__NR_open, "/proc/thread-self/maps", O_RDONLY | O_CLOEXEC, 0);
	int64_t result;

	if (fd < 0)
		return fd;
	result = lb_syscall3(__NR_ioctl, fd, request, query);
	lb_syscall1(__NR_close, fd);
	return result;
}
