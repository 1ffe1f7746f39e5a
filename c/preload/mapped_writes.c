/* mapped_writes.c - what the program writes to a file that it has mapped, away from home: its pages here show it, as
 * far as they are not the program's own. Nothing is written behind to such a file (files.c), so home has executed each
 * call.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/uio.h>
#include <asm/stat.h>
#include <asm/unistd.h>

#include "../base/mem.h"
#include "../base/syscall.h"

#include "own_memory.h"
#include "ring.h"

static bool stale;

bool lb_mapped_is_stale(void)
{
	bool was = stale;

	stale = false;
	return was;
}

/* The file behind a descriptor, if memory is mapped from it; what home tells of it now to `now`. */
static struct lb_mapped_file *file_of(uint64_t fd, struct lb_home_file *now)
{
	const struct lb_file *known = lb_ring() == NULL ? NULL : lb_ring_file(fd);
	struct lb_request request = { .number = LB_HOME_FILE };

	if (known != NULL && known->inode != 0 && lb_mapped_find(LB_DEVICE(known->device), known->inode) == NULL)
		return NULL;
	lb_request_value(&request, 0, fd);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)now, sizeof(*now));
	if (lb_request_run(&request) != 0 || !now->is_regular)
		return NULL;
	return lb_mapped_find(LB_DEVICE(now->device), now->inode);
}

static void follow_size(const struct lb_mapped_file *file, const struct lb_home_file *now)
{
	struct stat status;

	memcpy(&status, now->status, sizeof(status));
	lb_syscall2(__NR_ftruncate, file->fd, status.st_size);
}

/* The first `size` bytes of these pieces are in the file, from `at` on. */
static void copy(int fd, uint64_t vector, uint64_t count, uint64_t size, uint64_t at)
{
	struct iovec piece;

	for (uint64_t i = 0; i < count && size > 0; i++) {
		if (lb_user_read(&piece, vector + i * sizeof(piece), sizeof(piece)) < 0)
			return;
		if (piece.iov_len > size)
			piece.iov_len = size;
		lb_syscall4(__NR_pwrite64, fd, piece.iov_base, piece.iov_len, at);
		at += piece.iov_len;
		size -= piece.iov_len;
	}
}

static void wrote(const struct lb_trap *trap, uint64_t size, bool placed)
{
	bool vector = trap->number != __NR_write && trap->number != __NR_pwrite64;
	struct lb_home_file now;
	struct lb_mapped_file *file = file_of(trap->args[0], &now);
	struct stat status;
	uint64_t at;

	if (file == NULL)
		return;
	memcpy(&status, now.status, sizeof(status));
	at = placed ? trap->args[3] : now.offset - size;
	if (now.appends) /* pwrite(2), BUGS */
		at = (uint64_t)status.st_size - size;
	if (vector)
		copy(file->fd, trap->args[1], trap->args[2], size, at);
	else
		lb_syscall4(__NR_pwrite64, file->fd, trap->args[1], size, at);
	follow_size(file, &now);
}

static void changed(uint64_t fd)
{
	struct lb_home_file now;

	stale |= file_of(fd, &now) != NULL;
}

void lb_mapped_after(const struct lb_trap *trap, int64_t result)
{
	struct lb_home_file now;
	struct lb_mapped_file *file;

	if (result < 0 || lb_areas == NULL || lb_areas->mapped.count == 0)
		return;
	switch (trap->number) {
	case __NR_write:
	case __NR_writev:
		if (result > 0 && (lb_last_reply_flags & LB_REPLY_REGULAR))
			wrote(trap, (uint64_t)result, false);
		break;
	case __NR_pwrite64:
	case __NR_pwritev:
		if (result > 0)
			wrote(trap, (uint64_t)result, true);
		break;
	case __NR_pwritev2:
		if (result > 0)
			wrote(trap, (uint64_t)result, trap->args[3] != UINT64_MAX);
		break;
	case __NR_open:
	case __NR_openat:
	case __NR_openat2:
	case __NR_creat: {
		/* With O_TRUNC; home tells with its answer which file it is. */
		const struct lb_file *known = lb_ring() == NULL ? NULL : lb_ring_file((uint64_t)result);

		if (known == NULL || known->inode == 0 || known->only_read)
			break;
		file = file_of((uint64_t)result, &now);
		if (file != NULL)
			follow_size(file, &now);
		break;
	}
	case __NR_ftruncate:
		file = file_of(trap->args[0], &now);
		if (file != NULL)
			follow_size(file, &now);
		break;
	case __NR_fallocate:
	case __NR_sendfile:
		changed(trap->args[0]);
		break;
	case __NR_splice:
	case __NR_copy_file_range:
		changed(trap->args[2]);
		break;
	default:
		break;
	}
}
