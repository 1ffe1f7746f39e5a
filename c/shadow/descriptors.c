/* descriptors.c - Keeps the shadow's descriptors out of the program's way.
 *
 * And out of its sight.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "state.h"

#define NOFILE_CONSIDERED 65536u /* no number of ours is higher */
/* As the library has it (c/library/image/become_shadow.c): high, but no higher than needed. */
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

/* ---- room: the program's RLIMIT_NOFILE is for its descriptors, ours are behind it ---- */

static unsigned begun; /* lb_own_fds_begin() within another */
static struct rlimit program_limit;
static bool raised;

void lb_own_fds_begin(void)
{
	struct rlimit wanted;

	if (begun++ > 0)
		return;
	getrlimit(RLIMIT_NOFILE, &program_limit);
	wanted = program_limit;
	wanted.rlim_cur += UPPER_COUNT;
	if (wanted.rlim_max < wanted.rlim_cur) /* only the privileged may */
		wanted.rlim_max = wanted.rlim_cur;
	raised = program_limit.rlim_cur <= NOFILE_CONSIDERED - UPPER_COUNT && setrlimit(RLIMIT_NOFILE, &wanted) == 0;
}

void lb_own_fds_end(void)
{
	if (--begun > 0)
		return;
	if (raised)
		setrlimit(RLIMIT_NOFILE, &program_limit);
	raised = false;
}

void lb_own_fds_keep(void)
{
	lb_own_fds_begin();
	lb_shadow.state.nofile[0] = raised ? program_limit.rlim_cur : 0;
	lb_shadow.state.nofile[1] = raised ? program_limit.rlim_max : 0;
}

void lb_own_fds_put_back(void)
{
	uint64_t *kept = lb_shadow.state.nofile;
	const struct rlimit limit = { kept[0], kept[1] };

	if (begun > 0)
		lb_own_fds_end();
	else if (kept[0] != 0) /* kept by whoever was this process before */
		setrlimit(RLIMIT_NOFILE, &limit);
	kept[0] = 0;
}

/* Between those two. Where the limit cannot be higher, close below it: as the library has it (become_shadow.c). */
static int upper_base(void)
{
	rlim_t top = program_limit.rlim_cur < NOFILE_USUAL ? program_limit.rlim_cur : NOFILE_USUAL;

	if (raised)
		return (int)program_limit.rlim_cur;
	return (int)(top > 2 * UPPER_COUNT ? top - UPPER_COUNT : top / 2);
}

int lb_fd_move_up(int fd)
{
	int moved, error;

	lb_own_fds_begin();
	moved = fcntl(fd, F_DUPFD_CLOEXEC, upper_base());
	error = errno;
	lb_own_fds_end();
	/* Where the program has lowered its limit there is no better place: it stays. */
	if (moved < 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
		return fd;
	close(fd);
	return moved < 0 ? -error : moved;
}

/* Another number for own[i], which is still open under the old one too. */
static bool move_own(int i)
{
	int flags = fcntl(*own[i], F_GETFD);
	int moved;

	lb_own_fds_begin();
	moved = fcntl(*own[i], flags & FD_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, upper_base());
	lb_own_fds_end();
	if (moved < 0)
		return false;
	__atomic_store_n(own[i], moved, __ATOMIC_SEQ_CST);
	/* Under the old number is a file of the program's soon. */
	while (__atomic_load_n(&lb_shadow.notifying, __ATOMIC_SEQ_CST) != 0)
		sched_yield();
	return true;
}

void lb_own_fds_place(void)
{
	lb_own_fds_begin();
	for (int i = 0; raised && i < own_count; i++) {
		int old = *own[i];

		if (old < 0 || (rlim_t)old >= program_limit.rlim_cur || !move_own(i))
			continue;
		close(old);
	}
	lb_own_fds_end();
}

bool lb_own_fd_yield(int fd)
{
	for (int i = 0; i < own_count; i++) {
		/* Not closed: dup2(2) does that, in one step with the new use of the number. */
		if (*own[i] == fd && !move_own(i))
			return false;
	}
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
		if (next > from && syscall(SYS_close_range, (unsigned)from, (unsigned)(next - 1), (unsigned)flags) < 0)
			return -errno;
		from = next + 1;
	}
	return 0;
}

/* Two descriptors out of the program's way. Returns false when there are none. */
bool lb_make_pair(int ends[2])
{
	lb_own_fds_begin();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		ends[0] = ends[1] = -1;
	for (int i = 0; i < 2; i++)
		ends[i] = ends[i] < 0 ? -1 : lb_fd_move_up(ends[i]);
	lb_own_fds_end();
	if (ends[0] >= 0 && ends[1] >= 0)
		return true;
	for (int i = 0; i < 2; i++) {
		if (ends[i] >= 0)
			close(ends[i]);
	}
	return false;
}
