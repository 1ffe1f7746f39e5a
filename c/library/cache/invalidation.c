/* invalidation.c - Invalidates what the program's calls make untrue of its files.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "cache/invalidation.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <asm/unistd.h>

#include "mem.h"
#include "lb_syscalls.h"

#include "cache/descriptors.h"
#include "cache/known.h"
#include "cache/read_ahead.h"
#include "cache/stat.h"
#include "home_call/link.h"
#include "home_call/request.h"
#include "home_call/ring.h"
#include "home_call/table.h"
#include "home_call/user_memory.h"
#include "process/process.h"
#include "trap/trap.h"

#define WAIT_WRITE_MAX (LB_RING_SIZE / 2)

static struct lb_home_file opened; /* by the last open(2) or its like */

static bool before_write(uint32_t fd, uint64_t size, bool scatters)
{
	const struct lb_file *file = lb_known_file(fd);
	const struct lb_known *known = lb_known();
	struct lb_ring *ring = lb_ring();

	if (file == NULL)
		return false;
	lb_ahead_drop_file(file);
	if (!(file->grants & LB_GRANT_WRITE) || size == 0 || size > WAIT_WRITE_MAX)
		return false;
	if ((scatters || file->scattered) && file->unit == 0)
		return false;
	/* Half of it, so that a program that only writes does not wait for each message. */
	if (!lb_ring_room(size))
		lb_link_wait_applied(ring->head > LB_RING_SIZE / 2 ? ring->head - LB_RING_SIZE / 2 : 0);
	if (scatters || file->scattered)
		lb_link_wait_applied(known->scatter_at);
	return lb_ring_room(size);
}

/* Tells nothing of files, or moves nothing: what was read ahead stays. */
static bool keeps_ahead(uint32_t number)
{
	switch (number) {
	case __NR_write: /* of a regular file: lb_files_after() */
	case __NR_writev:
	case __NR_pwrite64:
	case __NR_getpid:
	case __NR_gettid:
	case __NR_getppid:
	case __NR_getuid:
	case __NR_geteuid:
	case __NR_getgid:
	case __NR_getegid:
	case __NR_getpgid:
	case __NR_getpgrp:
	case __NR_getsid:
	case __NR_uname:
	case __NR_umask:
	case __NR_getcwd:
	case __NR_clock_gettime:
	case __NR_getrusage:
	case __NR_times:
	case __NR_rt_sigaction:
	case __NR_rt_sigprocmask:
	case __NR_rt_sigreturn:
		return true;
	default: {
		const struct lb_row *row = lb_row_of(number);

		return row != NULL && row->where == LB_HERE;
	}
	}
}

/* Does not move the offset of a regular file, or lb_files_after() follows it. */
static bool leaves_offsets(uint32_t number)
{
	switch (number) {
	case __NR_read:
	case __NR_readv:
	case __NR_lseek:
	case __NR_pread64:
	case __NR_preadv:
	case __NR_pwritev:
	case __NR_open:
	case __NR_openat:
	case __NR_openat2:
	case __NR_creat:
	case __NR_close:
	case __NR_stat:
	case __NR_lstat:
	case __NR_fstat:
	case __NR_newfstatat:
	case __NR_statx:
	case __NR_access:
	case __NR_faccessat:
	case __NR_faccessat2:
	case __NR_readlink:
	case __NR_readlinkat:
	case __NR_ioctl:
	case __NR_fcntl:
	case __NR_flock:
	case __NR_fsync:
	case __NR_fdatasync:
	case __NR_truncate:
	case __NR_ftruncate:
	case __NR_unlink:
	case __NR_unlinkat:
	case __NR_rename:
	case __NR_renameat:
	case __NR_mkdir:
	case __NR_mkdirat:
	case __NR_poll:
	case __NR_select:
	case __NR_nanosleep:
	case __NR_clock_nanosleep:
	case __NR_wait4:
	case __NR_mmap:
		return true;
	default:
		return keeps_ahead(number);
	}
}

static bool is_duplicate(const struct lb_trap *trap)
{
	switch (trap->number) {
	case __NR_dup:
	case __NR_dup2:
	case __NR_dup3:
		return true;
	case __NR_fcntl:
		return trap->args[1] == F_DUPFD || trap->args[1] == F_DUPFD_CLOEXEC;
	default:
		return false;
	}
}

static void before_other(const struct lb_trap *trap)
{
	uint64_t fd;

	switch (trap->number) {
	case __NR_close:
		lb_files_forget(trap->args[0]);
		break;
	case __NR_dup2:
	case __NR_dup3:
		lb_files_forget(trap->args[1]);
		break;
	case __NR_close_range:
		for (fd = trap->args[0]; fd < LB_FILES && fd <= trap->args[1]; fd++)
			lb_files_forget(fd);
		break;
	case __NR_fcntl:
		if (trap->args[1] == F_SETFL)
			lb_files_forget_flags(trap->args[0]);
		break;
	case __NR_pidfd_getfd:
		lb_files_shared(trap->args[1]);
		break;
	case __NR_setrlimit:
	case __NR_prlimit64:
		if (trap->args[trap->number == __NR_setrlimit ? 0 : 1] == RLIMIT_FSIZE)
			for (fd = 0; fd < LB_FILES; fd++)
				lb_files_forget(fd);
		break;
	default:
		break;
	}
	if (is_duplicate(trap))
		lb_files_shared(trap->args[0]);
}

static uint64_t total_of(uint64_t vector, uint64_t count)
{
	struct iovec pieces[16];
	uint64_t total = 0;
	uint64_t i;

	if (count > sizeof(pieces) / sizeof(pieces[0]) || lb_user_read(pieces, vector, count * sizeof(pieces[0])) < 0)
		return 0;
	for (i = 0; i < count && total <= WAIT_WRITE_MAX; i++)
		total += pieces[i].iov_len;
	return total + count * LB_RING_WRITE_OVERHEAD;
}

bool lb_files_prepare(const struct lb_trap *trap)
{
	uint32_t fd = (uint32_t)trap->args[0];

	if (lb_ring() == NULL)
		return false;
	switch (trap->number) {
	case __NR_read:
		return lb_ahead_read(fd, trap->args[2], LB_NO_OFFSET);
	case __NR_pread64:
		return (int64_t)trap->args[3] >= 0 && lb_ahead_read(fd, trap->args[2], trap->args[3]);
	case __NR_write:
		return before_write(fd, trap->args[2], false);
	case __NR_writev:
		return before_write(fd, total_of(trap->args[1], trap->args[2]), false);
	case __NR_pwrite64:
		return before_write(fd, trap->args[2], true);
	default:
		return false;
	}
}

static bool opens(uint32_t number)
{
	return number == __NR_open || number == __NR_openat || number == __NR_openat2 || number == __NR_creat;
}

void lb_files_before(struct lb_trap *trap)
{
	if (lb_ring() == NULL)
		return;
	if (!keeps_ahead(trap->number))
		lb_ahead_drop_all();
	if (!leaves_offsets(trap->number))
		lb_known()->moves++;
	before_other(trap);
	lb_status_ask();
	if (!opens(trap->number))
		return;
	memset(&opened, 0, sizeof(opened));
	trap->told = &opened;
	trap->told_size = sizeof(opened);
}

static bool is_only_read(const struct lb_trap *trap)
{
	switch (trap->number) {
	case __NR_open:
		return (trap->args[1] & O_ACCMODE) == O_RDONLY;
	case __NR_openat:
		return (trap->args[2] & O_ACCMODE) == O_RDONLY;
	default:
		return false;
	}
}

/* Where the offset is after a transfer at it, or lseek(2), that went home. */
static void follow_offset(const struct lb_trap *trap, int64_t result)
{
	struct lb_file *file = lb_known_file(trap->args[0]);
	bool reads = trap->number == __NR_read || trap->number == __NR_readv;
	uint64_t offset;

	if (file == NULL)
		return;
	if (trap->number == __NR_lseek) {
		/* Writes there may be too far: each is to be told at once. */
		if (result >= 0 && (uint64_t)result > file->offset_max)
			lb_files_failed((int32_t)trap->args[0]);
		if (result >= 0 && lb_files_is_exclusive(file))
			lb_files_moved(file, (uint64_t)result);
		return;
	}
	if (trap->number != __NR_write && trap->number != __NR_writev && !reads)
		return;
	file->scattered = file->scattered && reads;
	if (result >= 0 && (reads || !file->appends) && lb_files_offset(file, &offset))
		lb_files_moved(file, offset + (uint64_t)result);
	else
		file->offset_known = 0;
}

static void after_open(const struct lb_trap *trap, uint64_t fd)
{
	struct lb_file *file = lb_known_file(fd);

	lb_files_forget(fd);
	if (file == NULL)
		return;
	file->unshared = true;
	file->only_read = is_only_read(trap);
	if (!opened.is_regular)
		return;
	lb_files_learn(file, &opened);
	lb_status_keep(fd, opened.status);
	/* What it has is all there is, but that a reserve may be made for a second write. */
	file->transfers = file->only_read || (file->grants & LB_GRANT_WRITE) ? 2 : 0;
}

static void after_transfer(const struct lb_trap *trap)
{
	if (!(lb_thread()->reply_flags & LB_REPLY_REGULAR))
		return;
	if (trap->number != __NR_read)
		lb_ahead_drop_all();
	lb_files_count_transfer(trap->args[0]);
}

/* Other threads have made calls while this one was on its way: nothing that was known before it is believed. */
void lb_files_after_others(const struct lb_trap *trap, int64_t result)
{
	if (lb_ring() == NULL || !lb_self.away)
		return;
	lb_ahead_drop_all();
	lb_known()->moves++;
	lb_files_forget(trap->args[0]);
	if (result >= 0 && (opens(trap->number) || is_duplicate(trap)))
		lb_files_forget((uint64_t)result);
}

void lb_files_after(const struct lb_trap *trap, int64_t result)
{
	if (lb_ring() == NULL || !lb_self.away)
		return;
	follow_offset(trap, result);
	if (result < 0)
		return;
	switch (trap->number) {
	case __NR_read:
	case __NR_write:
	case __NR_writev:
	case __NR_pread64:
	case __NR_pwrite64:
		if (result > 0)
			after_transfer(trap);
		return;
	case __NR_fstat:
	case __NR_newfstatat:
	case __NR_statx:
		lb_status_told(trap);
		return;
	case __NR_open:
	case __NR_openat:
	case __NR_openat2:
	case __NR_creat:
		after_open(trap, (uint64_t)result);
		return;
	default:
		break;
	}
	if (is_duplicate(trap) || trap->number == __NR_pidfd_getfd) {
		lb_files_forget((uint64_t)result);
		lb_files_shared((uint64_t)result);
	}
}
