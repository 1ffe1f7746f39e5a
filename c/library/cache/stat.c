/* stat.c - Caches the results of fstat(2) for regular files.
 *
 * Runs in:  the SIGSYS handler; lb_status_find(), _size() and _forget() at patched sites too (answers.h).
 *
 * An answer holds as long as nothing that the program learns could tell it of a later change, as what was read ahead
 * (read_ahead.c). Its own writes change sizes and times: after one nothing is known, as what the modification time is
 * then, and the size if others write too, only home can tell. Reading ahead changes the access time, and counts as
 * news.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <asm/stat.h>
#include <asm/unistd.h>

#include "mem.h"
#include "lb_syscalls.h"

#include "cache/known.h"
#include "cache/stat.h"
#include "home_call/user_memory.h"
#include "trap/trap.h"

/* When the call that is on its way was made: what came meanwhile came after what it tells, maybe. */
static struct {
	uint64_t news, until;
} asked;

void lb_status_ask(void)
{
	asked.news = lb_known()->news;
	asked.until = __builtin_ia32_rdtsc() + LB_KNOWN_TICKS;
}

static struct lb_status *slot_of(uint64_t fd)
{
	return &lb_known()->statuses[(uint32_t)fd % LB_STATUSES];
}

void lb_status_forget(uint64_t fd)
{
	if (slot_of(fd)->fd == (uint32_t)fd + 1)
		slot_of(fd)->fd = 0;
}

static struct lb_status *begin(uint64_t fd, uint32_t number, uint32_t flags, uint32_t mask)
{
	struct lb_status *status = slot_of(fd);

	status->fd = (uint32_t)fd + 1;
	status->number = number;
	status->flags = flags;
	status->mask = mask;
	status->news = asked.news;
	status->until = asked.until;
	return status;
}

void lb_status_keep(uint64_t fd, const void *bytes)
{
	memcpy(begin(fd, LB_STATUS_FSTAT, 0, 0)->bytes, bytes, LB_STAT_SIZE);
}

static bool is_empty(uint64_t path)
{
	char first = 1;

	return lb_user_read(&first, path, 1) == 0 && first == '\0';
}

static void keep_statx(const struct lb_trap *trap)
{
	struct statx status;

	if (trap->args[2] != AT_EMPTY_PATH || !is_empty(trap->args[1]) ||
		lb_user_read(&status, trap->args[4], sizeof(status)) < 0)
		return;
	if ((status.stx_mask & STATX_TYPE) && S_ISREG(status.stx_mode))
		memcpy(begin(trap->args[0], __NR_statx, AT_EMPTY_PATH, (uint32_t)trap->args[3])->bytes, &status,
			sizeof(status));
}

void lb_status_told(const struct lb_trap *trap)
{
	bool by_path = trap->number == __NR_newfstatat;
	struct stat status;

	if (lb_known_file(trap->args[0]) == NULL)
		return;
	if (trap->number == __NR_statx) {
		keep_statx(trap);
		return;
	}
	if (by_path && (trap->args[3] != AT_EMPTY_PATH || !is_empty(trap->args[1])))
		return;
	if (lb_user_read(&status, trap->args[by_path ? 2 : 1], sizeof(status)) == 0 && S_ISREG(status.st_mode))
		lb_status_keep(trap->args[0], &status);
}

const uint8_t *lb_status_find(uint64_t fd, uint32_t number, uint32_t flags, uint32_t mask)
{
	const struct lb_status *status = slot_of(fd);

	if (status->fd != (uint32_t)fd + 1 || status->number != number || status->flags != flags ||
		status->mask != mask)
		return NULL;
	if (status->news != lb_known()->news || __builtin_ia32_rdtsc() > status->until)
		return NULL;
	return status->bytes;
}

bool lb_status_size(uint64_t fd, uint64_t *size)
{
	const struct stat *status = (const void *)lb_status_find(fd, LB_STATUS_FSTAT, 0, 0);

	if (status != NULL)
		*size = (uint64_t)status->st_size;
	return status != NULL;
}
