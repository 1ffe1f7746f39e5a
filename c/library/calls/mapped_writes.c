/* mapped_writes.c - Writes to a file that the program has mapped.
 *
 * Away from home its pages here show them, as far as they are not the program's own. Nothing is written behind to such
 * a file (descriptors.c), so home has executed each call.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "calls/mapped_writes.h"

#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/uio.h>
#include <asm/stat.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "cache/known.h"
#include "calls/mmap.h"
#include "home_call/request.h"
#include "home_call/user_memory.h"
#include "process/own_memory.h"
#include "process/process.h"
#include "trap/trap.h"
#include "image/mapped.h"

#define FETCH_MAX (64ULL << 20)
#define NAME_SIZE 4096 /* PATH_MAX */

static bool stale;
static char name[NAME_SIZE] LB_SCRATCH;

bool lb_mapped_is_stale(void)
{
	bool was = stale;

	stale = false;
	return was;
}

/* The file behind a descriptor, if memory is mapped from it; what home tells of it now to `now`. */
static struct lb_mapped_file *file_of(uint64_t fd, struct lb_home_file *now)
{
	const struct lb_file *known = lb_ring() == NULL ? NULL : lb_known_file(fd);
	struct lb_request request = { .number = LB_HOME_FILE };
	struct lb_mapped_file *file;

	if (known != NULL && known->inode != 0 && lb_mapped_find(LB_DEVICE(known->device), known->inode) == NULL)
		return NULL;
	lb_request_value(&request, 0, fd);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)now, sizeof(*now));
	if (lb_request_run(&request) != 0 || !now->is_regular)
		return NULL;
	file = lb_mapped_find(LB_DEVICE(now->device), now->inode);
	if (file == NULL || (lb_home_name(fd, name) && lb_mapped_has_name(file, name)))
		return file;
	stale = true; /* renamed, linked, or another file that has got the number: home knows */
	return NULL;
}

/* The file that had this name may go with it, and home's next one get its inode. */
static void lost_name(uint64_t at)
{
	if (lb_user_string(name, at, sizeof(name)) >= 0)
		lb_mapped_lost_name(name);
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

/* The memory here does not show what is in the file, unless nothing is mapped from it any more. */
static void give_up(const struct lb_mapped_file *file)
{
	uint64_t device = file->device, inode = file->inode;

	lb_mapped_sweep();
	stale = lb_mapped_find(device, inode) != NULL;
}

/* Home has put these bytes into the file by itself: they are fetched. Where the descriptor may not be read, or they are
 * too many, the process goes home, where the file is mapped anew. */
static void fetch(uint64_t fd, const struct lb_mapped_file *file, uint64_t from, uint64_t size)
{
	int64_t got = size > FETCH_MAX ? -EFBIG : 1;

	while (size > 0 && got > 0) { /* 0: somebody else has cut the file */
		struct lb_request request = { .number = __NR_pread64, .flags = LB_CALL_RESULT_SIZE };
		uint64_t part = size < sizeof(lb_areas()->content) ? size : sizeof(lb_areas()->content);

		lb_request_value(&request, 0, fd);
		lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)lb_areas()->content, part);
		lb_request_value(&request, 2, part);
		lb_request_value(&request, 3, from);
		got = lb_request_run(&request);
		if (got <= 0)
			break;
		lb_syscall4(__NR_pwrite64, file->fd, lb_areas()->content, got, from);
		from += (uint64_t)got;
		size -= (uint64_t)got;
	}
	if (got < 0)
		give_up(file);
}

/* sendfile(2) and its like: `size` bytes came to where the offset at `offset_at`, or the descriptor's own, now is. */
static void moved(uint64_t fd, uint64_t offset_at, uint64_t size)
{
	struct lb_home_file now;
	struct lb_mapped_file *file = size > 0 ? file_of(fd, &now) : NULL;
	uint64_t end;

	if (file == NULL)
		return;
	end = now.offset;
	if (offset_at != 0 && lb_user_read(&end, offset_at, sizeof(end)) < 0) {
		give_up(file);
		return;
	}
	follow_size(file, &now);
	fetch(fd, file, end - size, size);
}

/* fallocate(2): room alone changes no byte; what inserts or removes a range moves all that is behind it. */
static void allocated(const uint64_t args[6])
{
	struct lb_home_file now;
	struct lb_mapped_file *file = file_of(args[0], &now);
	uint64_t mode = args[1] & ~(uint64_t)FALLOC_FL_KEEP_SIZE;
	struct stat status;
	uint64_t end;

	if (file == NULL)
		return;
	memcpy(&status, now.status, sizeof(status));
	follow_size(file, &now);
	end = mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE) ? (uint64_t)status.st_size : args[2] + args[3];
	end = end < (uint64_t)status.st_size ? end : (uint64_t)status.st_size;
	if (mode != 0 && end > args[2])
		fetch(args[0], file, args[2], end - args[2]);
}

void lb_mapped_after(const struct lb_trap *trap, int64_t result)
{
	struct lb_home_file now;
	struct lb_mapped_file *file;

	if (result < 0 || lb_mapped == NULL || lb_mapped->count == 0)
		return;
	switch (trap->number) {
	case __NR_write:
	case __NR_writev:
		if (result > 0 && (lb_thread()->reply_flags & LB_REPLY_REGULAR))
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
		const struct lb_file *known = lb_ring() == NULL ? NULL : lb_known_file((uint64_t)result);

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
	case __NR_unlink:
		lost_name(trap->args[0]);
		break;
	case __NR_unlinkat:
	case __NR_rename:
		lost_name(trap->args[1]);
		break;
	case __NR_renameat:
	case __NR_renameat2:
		lost_name(trap->args[1]); /* with RENAME_EXCHANGE both are other files now */
		lost_name(trap->args[3]);
		break;
	case __NR_fallocate:
		allocated(trap->args);
		break;
	case __NR_sendfile:
		moved(trap->args[0], 0, (uint64_t)result);
		break;
	case __NR_splice:
	case __NR_copy_file_range:
		moved(trap->args[2], trap->args[3], (uint64_t)result);
		break;
	default:
		break;
	}
}
