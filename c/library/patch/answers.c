/* answers.c - Which calls are answered without the kernel and without home, and how. */
#include "patch/answers.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <asm/ioctls.h>
#include <asm/unistd.h>

#include "lb_syscalls.h"

#include "cache/descriptors.h"
#include "cache/known.h"
#include "cache/read_ahead.h"
#include "cache/stat.h"
#include "home_call/fast_copy.h"
#include "home_call/request.h"
#include "home_call/ring.h"
#include "process/process.h"
#include "trap/trap.h"

#define PIECES_MAX 16u
/* A larger write would leave no room for the next one: it goes home at once. */
#define WRITE_SIZE_MAX (LB_RING_SIZE / 2)

bool lb_fast_wants(uint32_t number)
{
	switch (number) {
	case __NR_futex: /* never answered, but made where no trap is: site_calls.S */
	case __NR_sched_yield:
	case __NR_getpid:
	case __NR_gettid:
	case __NR_read:
	case __NR_write:
	case __NR_writev:
	case __NR_pread64:
	case __NR_pwrite64:
	case __NR_lseek:
	case __NR_fstat:
	case __NR_newfstatat:
	case __NR_statx:
	case __NR_ioctl:
	case __NR_close:
		return true;
	default:
		return false;
	}
}

/* ---- writes ---- */

static bool may_write(const struct lb_file *file, uint64_t size)
{
	return file != NULL && (file->grants & LB_GRANT_WRITE) && size > 0 && size <= WRITE_SIZE_MAX &&
		lb_ring_room(size) && !lb_ahead_has(file);
}

/* The same at the offset: it may be somewhere else than where the last one ended. */
static bool may_write_on(struct lb_file *file, uint64_t size)
{
	if (!may_write(file, size))
		return false;
	if (file->scattered && !lb_files_scatter(file->unit))
		return false;
	file->scattered = false;
	return true;
}

static void written(struct lb_file *file, uint64_t head, uint64_t size)
{
	lb_known()->news++;
	if (file->appends)
		file->offset_known = 0;
	file->offset += size;
	lb_ring_publish(head);
}

static int64_t fast_write(uint32_t fd, uint64_t from, uint64_t size)
{
	struct lb_file *file = lb_known_file(fd);
	uint64_t head;

	if (!may_write_on(file, size))
		return LB_SLOW;
	head = lb_ring()->head;
	if (!lb_ring_append_write(&head, fd, from, size, LB_NO_OFFSET))
		return LB_SLOW;
	written(file, head, size);
	return (int64_t)size;
}

static int64_t fast_writev(uint32_t fd, uint64_t vector, uint64_t count)
{
	struct iovec pieces[PIECES_MAX];
	struct lb_file *file = lb_known_file(fd);
	uint64_t total = 0;
	uint64_t head;
	unsigned i;

	if (file == NULL || !(file->grants & LB_GRANT_WRITE) || count == 0 || count > PIECES_MAX)
		return LB_SLOW;
	if (!lb_fast_read(pieces, vector, count * sizeof(pieces[0])))
		return LB_SLOW;
	for (i = 0; i < count; i++) {
		if (pieces[i].iov_len > WRITE_SIZE_MAX)
			return LB_SLOW;
		total += pieces[i].iov_len;
	}
	if (!lb_ring_room(total + count * LB_RING_WRITE_OVERHEAD) || !may_write_on(file, total))
		return LB_SLOW;
	head = lb_ring()->head;
	for (i = 0; i < count; i++) {
		if (!lb_ring_append_write(&head, fd, (uint64_t)pieces[i].iov_base, pieces[i].iov_len, LB_NO_OFFSET))
			return LB_SLOW;
	}
	written(file, head, total);
	return (int64_t)total;
}

/* Where the last one ended: it needs no more than the reserve has for each descriptor. */
static bool goes_on(const struct lb_file *file, uint64_t offset)
{
	return offset == file->placed_end && file->unit != 0 && file->unit <= LB_BLOCK_USUAL;
}

static int64_t fast_pwrite(uint32_t fd, uint64_t from, uint64_t size, uint64_t offset)
{
	struct lb_file *file = lb_known_file(fd);
	uint64_t head;

	if (!may_write(file, size) || offset > file->offset_max || size > file->offset_max - offset)
		return LB_SLOW;
	if (!goes_on(file, offset) && !lb_files_scatter(file->unit))
		return LB_SLOW;
	head = lb_ring()->head;
	if (!lb_ring_append_write(&head, fd, from, size, offset))
		return LB_SLOW;
	file->placed_end = offset + size;
	lb_known()->news++;
	lb_ring_publish(head);
	return (int64_t)size;
}

/* ---- reads: what a local one would give, all that is asked for or up to the file's end ---- */

static bool is_there(const struct lb_file *file, uint64_t at, uint64_t *size)
{
	const struct lb_ahead *ahead = lb_ahead_of(file);

	if (at > ahead->end || lb_ahead_is_old(file))
		return false;
	if (*size > ahead->end - at && !lb_ahead_slot(file)->is_end)
		return false;
	if (*size > ahead->end - at)
		*size = ahead->end - at;
	return true;
}

static bool hand_out(const struct lb_file *file, uint64_t to, uint64_t at, uint64_t size)
{
	if (!lb_fast_write(to, lb_ring_ahead(file->ahead_slot - 1u) + at, size))
		return false;
	lb_ahead_slot(file)->used += (uint32_t)size;
	return true;
}

static int64_t fast_read(uint32_t fd, uint64_t to, uint64_t size)
{
	const struct lb_file *file = lb_known_file(fd);
	struct lb_ahead *ahead;

	if (file == NULL || file->ahead_slot == 0 || size == 0 || lb_ahead_slot(file)->placed)
		return LB_SLOW;
	ahead = lb_ahead_of(file);
	if (!is_there(file, ahead->at, &size) || !hand_out(file, to, ahead->at, size))
		return LB_SLOW;
	LB_RING_STORE(ahead->at, ahead->at + (uint32_t)size);
	return (int64_t)size;
}

static int64_t fast_pread(uint32_t fd, uint64_t to, uint64_t size, uint64_t offset)
{
	const struct lb_file *file = lb_known_file(fd);
	uint64_t at;

	if (file == NULL || file->ahead_slot == 0 || size == 0 || offset < lb_ahead_slot(file)->offset)
		return LB_SLOW;
	at = offset - lb_ahead_slot(file)->offset;
	if (!is_there(file, at, &size) || !hand_out(file, to, at, size))
		return LB_SLOW;
	return (int64_t)size;
}

/* ---- offsets ---- */

/* Where it goes to. False: only home can tell, be it an error. */
static bool target_of(uint32_t fd, const struct lb_file *file, int64_t by, uint64_t whence, uint64_t *target)
{
	uint64_t from = 0;

	if (whence == SEEK_CUR               ? !lb_files_offset(file, &from)
			: whence == SEEK_END ? !lb_status_size(fd, &from)
					     : whence != SEEK_SET)
		return false;
	/* Both are far from what would not fit: lb_files_offset() is no more than a file can have. */
	return !__builtin_add_overflow((int64_t)from, by, (int64_t *)target) && *target <= file->offset_max;
}

static int64_t fast_lseek(uint32_t fd, int64_t by, uint64_t whence)
{
	struct lb_file *file = lb_known_file(fd);
	struct lb_ahead *ahead;
	uint64_t target, from;

	if (file == NULL || !(file->grants & LB_GRANT_OFFSET) || !target_of(fd, file, by, whence, &target))
		return LB_SLOW;
	if (lb_files_offset(file, &from) && from == target && (whence == SEEK_CUR || lb_files_is_exclusive(file)))
		return (int64_t)target;
	ahead = lb_ahead_of(file);
	if (ahead != NULL && !lb_ahead_slot(file)->placed) {
		uint64_t start = lb_ahead_slot(file)->offset;

		/* It is told by and by; of an offset that others may move, only where it is put would be right. */
		if (lb_files_is_exclusive(file) && target >= start && target - start <= ahead->end) {
			LB_RING_STORE(ahead->at, (uint32_t)(target - start));
			return (int64_t)target;
		}
		lb_ahead_release(file);
	}
	if (!lb_ring_room(0))
		return LB_SLOW;
	lb_ring_seek(fd, target);
	if (lb_files_is_exclusive(file))
		lb_files_moved(file, target);
	file->scattered = true;
	return (int64_t)target;
}

/* ---- what is known of a file ---- */

static int64_t fast_status(uint32_t fd, uint64_t to, uint32_t number, uint32_t flags, uint32_t mask)
{
	const uint8_t *status;

	if (lb_known_file(fd) == NULL)
		return LB_SLOW;
	status = lb_status_find(fd, number, flags, mask);
	if (status == NULL || !lb_fast_write(to, status, number == __NR_statx ? LB_STATX_SIZE : LB_STAT_SIZE))
		return LB_SLOW;
	return 0;
}

static bool is_empty(uint64_t path)
{
	char first;

	return lb_fast_read(&first, path, 1) && first == '\0';
}

/* A regular file of an ordinary file system is no terminal, which is what each program asks that opens one. */
static int64_t fast_ioctl(uint32_t fd, uint64_t request)
{
	const struct lb_file *file = lb_known_file(fd);

	return file != NULL && file->is_regular && request == TCGETS ? -ENOTTY : LB_SLOW;
}

/* Nothing can go wrong with it, and what comes next at home comes behind it. */
static int64_t fast_close(uint32_t fd)
{
	const struct lb_file *file = lb_known_file(fd);

	if (file == NULL || !file->only_read || !lb_ring_room(0))
		return LB_SLOW;
	lb_files_forget(fd);
	lb_ring_close(fd);
	return 0;
}

int64_t lb_fast_call(uint32_t number, const uint64_t args[6])
{
	uint32_t fd = (uint32_t)args[0];

	if (!lb_self.away || lb_thread()->has_child) /* a child's calls are another process's */
		return LB_SLOW;
	switch (number) {
	case __NR_getpid:
		return (int64_t)lb_self.home_pid;
	case __NR_gettid:
		return (int64_t)lb_thread()->home_tid;
	case __NR_read:
		return fast_read(fd, args[1], args[2]);
	case __NR_write:
		return fast_write(fd, args[1], args[2]);
	case __NR_writev:
		return fast_writev(fd, args[1], args[2]);
	case __NR_pread64:
		return fast_pread(fd, args[1], args[2], args[3]);
	case __NR_pwrite64:
		return fast_pwrite(fd, args[1], args[2], args[3]);
	case __NR_lseek:
		return fast_lseek(fd, (int64_t)args[1], (uint32_t)args[2]);
	case __NR_fstat:
		return fast_status(fd, args[1], LB_STATUS_FSTAT, 0, 0);
	case __NR_newfstatat:
		return (uint32_t)args[3] == AT_EMPTY_PATH && is_empty(args[1])
			? fast_status(fd, args[2], LB_STATUS_FSTAT, 0, 0)
			: LB_SLOW;
	case __NR_statx:
		return (uint32_t)args[2] == AT_EMPTY_PATH && is_empty(args[1])
			? fast_status(fd, args[4], __NR_statx, AT_EMPTY_PATH, (uint32_t)args[3])
			: LB_SLOW;
	case __NR_ioctl:
		return fast_ioctl(fd, (uint32_t)args[1]);
	case __NR_close:
		return fast_close(fd);
	default:
		return LB_SLOW;
	}
}
