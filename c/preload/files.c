/* files.c - what is known of the program's descriptors away from home: to which it may write before home has
 * executed it, and from which it may read ahead; and when that knowledge ends.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 *
 * Reading ahead is invisible as long as nothing that the program learns could tell it of a later change of the
 * file: so whatever brings news from outside (a read of a pipe, the result of stat(2) or wait4(2), a signal of
 * another process) voids what was read ahead, and so does time. Writing behind needs no such care, as every
 * call that goes home goes behind the writes.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <asm/unistd.h>

#include "../base/mem.h"
#include "lb_syscalls.h"

#include "fast.h"
#include "ring.h"

#define AHEAD_SIZE_MIN (16u << 10)
/* A longer read is not helped by a copy in between. */
#define AHEAD_READ_MAX (64u << 10)
/* Of the time stamp counter: 50 to 300 ms at 6 to 1 GHz. */
#define AHEAD_TICKS 300000000ULL
#define WAIT_WRITE_MAX (LB_RING_SIZE / 2)

static void release(struct lb_file *file)
{
	struct lb_ahead *ahead = &lb_ring()->ahead[file->ahead_slot - 1];
	uint32_t used = ahead->at;

	/* What was of use is the measure for the next time. */
	file->ahead_size = used >= ahead->end ? file->ahead_size * 4 : used * 2;
	if (file->ahead_size < AHEAD_SIZE_MIN)
		file->ahead_size = AHEAD_SIZE_MIN;
	if (file->ahead_size > LB_AHEAD_SIZE)
		file->ahead_size = LB_AHEAD_SIZE;
	lb_ring_tell_read();
	ahead->fd = -1;
	file->ahead_slot = 0;
}

void lb_files_drop_ahead(void)
{
	struct lb_ring *ring = lb_ring();
	unsigned i;

	for (i = 0; ring != NULL && i < LB_AHEAD_SLOTS; i++) {
		if (ring->ahead[i].fd >= 0)
			release(lb_ring_file((uint32_t)ring->ahead[i].fd));
	}
}

void lb_files_forget(uint64_t fd)
{
	struct lb_file *file = lb_ring_file(fd);

	if (file == NULL)
		return;
	if (file->ahead_slot != 0)
		release(file);
	memset(file, 0, sizeof(*file));
}

void lb_files_revoke(void)
{
	uint64_t fd;

	for (fd = 0; lb_ring() != NULL && fd < LB_FILES; fd++) {
		lb_ring_file(fd)->grants &= (uint8_t)~LB_GRANT_WRITE;
		lb_ring_file(fd)->transfers = 0;
	}
}

void lb_files_failed(int32_t fd)
{
	struct lb_file *file = lb_ring_file((uint32_t)fd);

	if (file != NULL)
		file->grants &= (uint8_t)~LB_GRANT_WRITE;
}

/* Descriptors that were there before the last fork have offsets that others may move at any time. */
static bool forked;

void lb_files_fork(void)
{
	uint64_t fd;

	lb_files_drop_ahead();
	forked = true;
	for (fd = 0; lb_ring() != NULL && fd < LB_FILES; fd++) {
		lb_ring_file(fd)->unshared = false;
		lb_ring_file(fd)->grants &= (uint8_t)~LB_GRANT_READ;
	}
}

/* ---- grants ---- */

/* Two descriptors of one file, one written behind and one read ahead, would not see each other. */
static void settle_conflict(struct lb_file *file)
{
	uint64_t fd;
	bool written = false;

	for (fd = 0; fd < LB_FILES; fd++) {
		const struct lb_file *other = lb_ring_file(fd);

		if (other->device == file->device && other->inode == file->inode)
			written |= (other->grants & LB_GRANT_WRITE) != 0;
	}
	for (fd = 0; written && fd < LB_FILES; fd++) {
		struct lb_file *other = lb_ring_file(fd);

		if (other->device != file->device || other->inode != file->inode)
			continue;
		if (other->ahead_slot != 0)
			release(other);
		other->grants &= (uint8_t)~LB_GRANT_READ;
	}
}

/* The reserve at home is for so many. */
static unsigned write_grants(void)
{
	unsigned count = 0;
	uint64_t fd;

	for (fd = 0; fd < LB_FILES; fd++)
		count += (lb_ring_file(fd)->grants & LB_GRANT_WRITE) != 0;
	return count;
}

static void ask(uint64_t fd, struct lb_file *file)
{
	struct lb_request request = { .number = LB_HOME_FILE };
	struct lb_home_file answer;

	lb_request_value(&request, 0, fd);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)&answer, sizeof(answer));
	if (lb_request_run(&request) < 0)
		return;
	file->device = answer.device;
	file->inode = answer.inode;
	file->grants = (uint8_t)answer.grants;
	if (file->duplicated || (forked && !file->unshared))
		file->grants &= (uint8_t)~LB_GRANT_READ;
	if ((file->grants & LB_GRANT_WRITE) && write_grants() > LB_GRANTS_MAX)
		file->grants &= (uint8_t)~LB_GRANT_WRITE;
	if (file->grants != 0)
		settle_conflict(file);
}

/* The second transfer of a regular file asks: many files see only one. */
static void count_transfer(uint64_t fd)
{
	struct lb_file *file = lb_ring_file(fd);

	if (file == NULL || file->transfers > 1)
		return;
	file->transfers++;
	if (file->transfers == 2)
		ask(fd, file);
}

/* ---- read ahead ---- */

static unsigned free_slot(void)
{
	static unsigned next;
	struct lb_ring *ring = lb_ring();
	unsigned i;

	for (i = 0; i < LB_AHEAD_SLOTS; i++) {
		if (ring->ahead[i].fd < 0)
			return i;
	}
	next = (next + 1) % LB_AHEAD_SLOTS;
	release(lb_ring_file((uint32_t)ring->ahead[next].fd));
	return next;
}

/* Reads ahead at the descriptor's offset. Returns whether `size` bytes are there now. */
static bool read_ahead(uint32_t fd, struct lb_file *file, uint64_t size)
{
	struct lb_request request = { .number = LB_HOME_AHEAD, .flags = LB_CALL_RESULT_SIZE };
	struct lb_ahead *ahead;
	unsigned slot;
	int64_t got;

	if (file->ahead_slot != 0)
		release(file);
	if (file->ahead_size < AHEAD_SIZE_MIN)
		file->ahead_size = AHEAD_SIZE_MIN;
	while (file->ahead_size < size)
		file->ahead_size *= 2;
	slot = free_slot();
	lb_request_value(&request, 0, fd);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)lb_ring_ahead(slot), file->ahead_size);
	lb_request_value(&request, 2, file->ahead_size);
	got = lb_request_run(&request);
	if (got < (int64_t)size)
		return false; /* the end of the file, or an error: the call itself will tell */
	ahead = &lb_ring()->ahead[slot];
	ahead->at = 0;
	ahead->told = 0;
	ahead->telling_head = 0;
	ahead->end = (uint32_t)got;
	ahead->until = __builtin_ia32_rdtsc() + AHEAD_TICKS;
	ahead->fd = (int32_t)fd;
	file->ahead_slot = (uint8_t)(slot + 1);
	return true;
}

static bool before_read(uint32_t fd, uint64_t size)
{
	struct lb_file *file = lb_ring_file(fd);

	if (file == NULL || !(file->grants & LB_GRANT_READ))
		return false;
	if (size > 0 && size <= AHEAD_READ_MAX && read_ahead(fd, file, size))
		return true;
	if (file->ahead_slot != 0)
		release(file);
	return false;
}

static bool before_write(uint32_t fd, uint64_t size)
{
	const struct lb_file *file = lb_ring_file(fd);
	struct lb_ring *ring = lb_ring();

	if (file == NULL || !(file->grants & LB_GRANT_WRITE) || size == 0 || size > WAIT_WRITE_MAX)
		return false;
	/* Half of it, so that a program that only writes does not wait for each message. */
	if (!lb_ring_room(size))
		lb_link_wait_applied(ring->head > LB_RING_SIZE / 2 ? ring->head - LB_RING_SIZE / 2 : 0);
	return lb_ring_room(size);
}

/* ---- what ends it ---- */

/* Tells nothing of files, or moves nothing: what was read ahead stays. */
static bool keeps_ahead(uint32_t number)
{
	switch (number) {
	case __NR_write: /* of a regular file: lb_files_after() */
	case __NR_writev:
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

void lb_files_shared(uint64_t fd)
{
	struct lb_file *file = lb_ring_file(fd);

	if (file == NULL)
		return;
	file->duplicated = true;
	file->grants &= (uint8_t)~LB_GRANT_READ;
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
			lb_files_forget(trap->args[0]);
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

	if (count > sizeof(pieces) / sizeof(pieces[0]) ||
		lb_user_read(pieces, vector, count * sizeof(pieces[0])) < 0)
		return 0;
	for (i = 0; i < count && total <= WAIT_WRITE_MAX; i++)
		total += pieces[i].iov_len;
	return total + count * LB_RING_WRITE_OVERHEAD;
}

bool lb_files_before(const struct lb_trap *trap)
{
	uint32_t fd = (uint32_t)trap->args[0];

	if (lb_ring() == NULL)
		return false;
	if (trap->number == __NR_read && before_read(fd, trap->args[2]))
		return true;
	if (trap->number == __NR_write && before_write(fd, trap->args[2]))
		return true;
	if (trap->number == __NR_writev && before_write(fd, total_of(trap->args[1], trap->args[2])))
		return true;
	if (!keeps_ahead(trap->number))
		lb_files_drop_ahead();
	before_other(trap);
	return false;
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

void lb_files_after(const struct lb_trap *trap, int64_t result)
{
	if (lb_ring() == NULL || !lb_self.away || result < 0)
		return;
	switch (trap->number) {
	case __NR_read:
	case __NR_write:
	case __NR_writev:
		if (result == 0 || !(lb_last_reply_flags & LB_REPLY_REGULAR))
			return;
		if (trap->number != __NR_read)
			lb_files_drop_ahead();
		count_transfer(trap->args[0]);
		return;
	case __NR_open:
	case __NR_openat:
	case __NR_openat2:
	case __NR_creat:
		lb_files_forget((uint64_t)result);
		if (lb_ring_file((uint64_t)result) != NULL) {
			lb_ring_file((uint64_t)result)->unshared = true;
			lb_ring_file((uint64_t)result)->only_read = is_only_read(trap);
		}
		return;
	default:
		break;
	}
	if (is_duplicate(trap) || trap->number == __NR_pidfd_getfd) {
		lb_files_forget((uint64_t)result);
		lb_files_shared((uint64_t)result);
	}
}
