/* descriptors.c - the shadow's own descriptors stay out of the program's sight and way; and the program's
 * close-on-exec bits survive the execs that make a shadow and bring a process home.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shadow.h"

#define CLOEXEC_FDS (LB_CLOEXEC_WORDS * 64)
/* As the library has it (c/preload/shadow_exec.c): high, but no higher than needed. */
#define NOFILE_USUAL 4096u
#define UPPER_COUNT 64u

static int *own[LB_OWN_FDS];
static int own_count;

void lb_own_fd(int *fd)
{
	if (own_count == LB_OWN_FDS)
		abort(); /* a bug: LB_OWN_FDS counts our variables */
	own[own_count++] = fd;
}

bool lb_is_own_fd(int64_t fd)
{
	for (int i = 0; i < own_count; i++) {
		if (fd >= 0 && *own[i] == fd)
			return true;
	}
	return false;
}

void lb_own_fds_close(const int *except)
{
	for (int i = 0; i < own_count; i++) {
		if (own[i] == except || *own[i] < 0)
			continue;
		close(*own[i]);
		*own[i] = -1;
	}
}

static unsigned upper_base(void)
{
	struct rlimit limit = { 1024, 1024 };
	unsigned top;

	getrlimit(RLIMIT_NOFILE, &limit);
	top = limit.rlim_cur < NOFILE_USUAL ? (unsigned)limit.rlim_cur : NOFILE_USUAL;
	return top > 2 * UPPER_COUNT ? top - UPPER_COUNT : top / 2;
}

int lb_fd_move_up(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, upper_base());
	int error = errno;

	/* Where the program has lowered its limit there is no better place: it stays. */
	if (moved < 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
		return fd;
	close(fd);
	return moved < 0 ? -error : moved;
}

bool lb_own_fd_yield(int fd)
{
	for (int i = 0; i < own_count; i++) {
		int flags, moved;

		if (*own[i] != fd)
			continue;
		flags = fcntl(fd, F_GETFD);
		moved = fcntl(fd, flags & FD_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, upper_base());
		if (moved < 0)
			return false;
		/* Not closed: dup2(2) does that, in one step with the new use of the number. */
		*own[i] = moved;
	}
	lb_state_save();
	return true;
}

int64_t lb_close_range(uint64_t first, uint64_t last, uint64_t flags)
{
	uint64_t from = first;

	if (first > last || (flags & ~(uint64_t)(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)) != 0)
		return -EINVAL;
	while (from <= last) {
		uint64_t next = last + 1; /* the nearest of our own in the range */

		for (int i = 0; i < own_count; i++) {
			int64_t fd = *own[i];

			if (fd >= (int64_t)from && (uint64_t)fd < next)
				next = (uint64_t)fd;
		}
		if (next > from &&
		    syscall(SYS_close_range, (unsigned)from, (unsigned)(next - 1), (unsigned)flags) < 0)
			return -errno;
		from = next + 1;
	}
	return 0;
}

static bool in_state(int fd)
{
	return (lb_shadow.state.cloexec[fd / 64] >> (fd % 64) & 1) != 0;
}

void lb_cloexec_restore(void)
{
	for (int fd = 0; fd < CLOEXEC_FDS; fd++) {
		if (lb_shadow.state.cloexec[fd / 64] == 0)
			fd |= 63; /* none of these 64 */
		else if (in_state(fd) && !lb_is_own_fd(fd))
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
}

static void record(int fd)
{
	int flags = lb_is_own_fd(fd) ? -1 : fcntl(fd, F_GETFD);

	if (flags < 0 || !(flags & FD_CLOEXEC))
		return;
	lb_shadow.state.cloexec[fd / 64] |= UINT64_C(1) << (fd % 64);
	fcntl(fd, F_SETFD, 0);
}

void lb_cloexec_record(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	for (int i = 0; i < LB_CLOEXEC_WORDS; i++)
		lb_shadow.state.cloexec[i] = 0;
	/* Every number may be in use by the program: then there is none to list them by. */
	for (int fd = 0; dir == NULL && fd < CLOEXEC_FDS; fd++)
		record(fd);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(dir) && fd < CLOEXEC_FDS)
			record(fd);
	}
	if (dir != NULL)
		closedir(dir);
}
