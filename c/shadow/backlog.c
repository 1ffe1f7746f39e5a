/* backlog.c - Executes the guest's backlog.
 *
 * What it did without waiting: its writes behind, the bytes it has read ahead, where it has put offsets, and the
 * closing of files that it has only read.
 *
 * Each message is executed once: the position counts them, and a new link begins where it stands. A write that
 * fails is told to the guest at once, and to the program with its next write, fsync or close of that descriptor;
 * until then later writes behind to it are dropped, as the program would not have made them. What the program
 * does not live to hear is told to the user, at the end (end.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backlog.h"
#include "descriptors.h"
#include "grant.h"
#include "links.h"
#include "state.h"

#define DESCRIPTORS 65536

static uint8_t owed[DESCRIPTORS]; /* errno of a write behind that failed; 0: none */
static struct lb_untold untold;

#define AT_OFFSET (-1) /* write(2), not pwrite(2) */

/* Writes to one descriptor in a row, their data joined in the link's own area. */
static struct {
	int fd;
	off_t at; /* where the first byte goes */
	uint8_t *data;
	size_t size;
} run;
static uint64_t told_at; /* the position of the last APPLIED or REPLY */

/* urgent: its next write is to know it, be it that the guest makes no call at home until then. */
static void tell(int fd, int error, bool urgent)
{
	struct lb_link_applied applied = {
		.backlog_at = lb_shadow.state.backlog_at, .fd = fd, .error = error, .revoked = lb_reserve_spent()
	};

	told_at = applied.backlog_at;
	if (lb_shadow.live != NULL && !lb_link_tell(lb_shadow.live, LB_LINK_APPLIED, &applied, sizeof applied, urgent))
		lb_link_lost();
}

static void note_failure(int fd, int error)
{
	char link[64];
	ssize_t size;

	owed[fd] = (uint8_t)error;
	if (untold.error == 0) {
		untold.error = error;
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		size = readlink(link, untold.path, sizeof untold.path - 1);
		untold.path[size < 0 ? 0 : size] = '\0';
	}
	untold.count++;
	tell(fd, error, true);
}

void lb_backlog_flush(void)
{
	size_t done = 0;

	while (done < run.size && owed[run.fd] == 0) {
		ssize_t got = run.at == AT_OFFSET
			? write(run.fd, run.data + done, run.size - done)
			: pwrite(run.fd, run.data + done, run.size - done, run.at + (off_t)done);

		if (got >= 0) {
			done += (size_t)got;
			continue;
		}
		/* What home reserved when it granted the write is for this. */
		if ((errno == ENOSPC || errno == EDQUOT) && lb_reserve_use()) {
			tell(-1, 0, true);
			continue;
		}
		note_failure(run.fd, errno);
	}
	run.size = 0;
}

void lb_backlog_applied(bool by_reply)
{
	lb_backlog_flush();
	if (by_reply)
		told_at = lb_shadow.state.backlog_at;
	else if (told_at != lb_shadow.state.backlog_at)
		tell(-1, 0, false);
}

/* Takes a write, `at` an offset or AT_OFFSET, whose data lies at `body`: it may be moved. */
static void take_write(int fd, off_t at, uint8_t *body, size_t size)
{
	bool goes_on = run.size > 0 && run.fd == fd &&
		(run.at == AT_OFFSET ? at == AT_OFFSET : at == run.at + (off_t)run.size);

	if (goes_on) {
		memmove(run.data + run.size, body, size);
		run.size += size;
		return;
	}
	lb_backlog_flush();
	run.fd = fd;
	run.at = at;
	run.data = body;
	run.size = size;
}

bool lb_backlog_handles(uint32_t type)
{
	return type == LB_LINK_WRITE || type == LB_LINK_ADVANCE || type == LB_LINK_CLOSE || type == LB_LINK_PLACE ||
		type == LB_LINK_SEEK;
}

bool lb_backlog_handle(const struct lb_link_header *message)
{
	uint8_t *body = (uint8_t *)(uintptr_t)(message + 1); /* our own area (links.c) */
	const struct lb_link_header header = *message;       /* joining data covers it */
	uint32_t number = (uint32_t)header.seq, padding = (uint32_t)(header.seq >> 32);
	int fd = (int)number;
	uint64_t value = 0;

	if (number >= DESCRIPTORS || lb_is_own_fd(fd) || padding >= 8 || padding > header.size)
		return false;
	if (header.type != LB_LINK_WRITE && header.type != LB_LINK_CLOSE) {
		if (header.size < sizeof value + padding)
			return false;
		memcpy(&value, body, sizeof value);
	}
	switch (header.type) {
	case LB_LINK_WRITE:
		take_write(fd, AT_OFFSET, body, header.size - padding);
		break;
	case LB_LINK_PLACE:
		if ((int64_t)value < 0)
			return false;
		take_write(fd, (off_t)value, body + sizeof value, header.size - sizeof value - padding);
		break;
	case LB_LINK_ADVANCE:
		lb_backlog_flush();
		lseek(fd, (off_t)value, SEEK_CUR); /* to a byte that could be read there */
		break;
	case LB_LINK_SEEK:
		lb_backlog_flush();
		lseek(fd, (off_t)value, SEEK_SET); /* no further than the file system goes: struct lb_home_file */
		break;
	default:
		lb_backlog_flush();
		close(fd);
		break;
	}
	lb_shadow.state.backlog_at += sizeof header + header.size;
	return true;
}

void lb_backlog_begin(void)
{
	lb_shadow.state.backlog_at = 0;
	told_at = 0;
}

static bool is_told_by(uint32_t number)
{
	switch (number) {
	case SYS_write:
	case SYS_writev:
	case SYS_pwrite64:
	case SYS_pwritev:
	case SYS_pwritev2:
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_sync_file_range:
	case SYS_close:
		return true;
	default:
		return false;
	}
}

bool lb_backlog_owes(uint32_t number, int64_t fd, int64_t *result)
{
	if (fd < 0 || fd >= DESCRIPTORS || owed[fd] == 0 || !is_told_by(number))
		return false;
	*result = -(int64_t)owed[fd];
	owed[fd] = 0;
	if (untold.count > 0 && --untold.count == 0)
		untold.error = 0;
	if (number == SYS_close)
		close((int)fd);
	return true;
}

void lb_backlog_replaced(int64_t fd)
{
	if (fd >= 0 && fd < DESCRIPTORS)
		owed[fd] = 0; /* as close(2) whose result nobody sees: it stays untold */
}

const struct lb_untold *lb_backlog_untold(void)
{
	return untold.error != 0 ? &untold : NULL;
}
