/* paths.c - Calls on paths that may lead into /proc.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <asm/unistd.h>

#include "mem.h"

#include "calls/forward.h"
#include "calls/own.h"
#include "calls/proc_files.h"
#include "home_call/request.h"
#include "home_call/user_memory.h"
#include "process/own_path.h"
#include "process/process.h"
#include "trap/trap.h"

/* resolves: only as openat2(2) was told, which home knows. */
static int64_t open_path(struct lb_trap *trap, uint64_t address, uint64_t flags, bool resolves)
{
	static char path[PATH_MAX];
	int64_t result;

	if (lb_user_string(path, address, sizeof(path)) < 0)
		return lb_forward(trap); /* which finds the same error, in the right order */
	if (lb_proc_is_foreign(path))
		return LB_NEEDS_HOME;
	if (!lb_proc_is_local(path, flags))
		return lb_forward(trap);
	if (resolves) {
		result = lb_forward(trap);
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
		return lb_forward(trap);
	return open_path(trap, trap->args[1], how.flags, how.resolve != 0);
}

static int64_t read_link(struct lb_trap *trap, uint64_t path_at, uint64_t buffer, uint64_t size)
{
	static char path[PATH_MAX];
	uint64_t length = strlen(lb_self.exe);

	if (lb_user_string(path, path_at, sizeof(path)) < 0 || !lb_proc_is_exe(path) || length == 0)
		return lb_forward(trap);
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
