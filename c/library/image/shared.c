/* shared.c - Finds whether anybody else has this process's shared memory.
 *
 * mmap(2) with MAP_SHARED and MAP_ANONYMOUS: what it would share with its children. A page that is left over from a
 * parent long gone keeps nobody at home.
 *
 * Such memory has no name that could be opened: it is shared by fork(2) alone. So who has it is a process of the same
 * user, whose /proc/PID/maps shows it: another user's has executed a program since, and has memory of its own. Pages
 * that another one has touched, in whatever PID namespace, are told by the page table besides.
 *
 * Runs in:  the trigger's handler: this process does nothing meanwhile, and nobody else can pass its memory on.
 */
#include "image/shared.h"

#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "mem.h"
#include "syscall.h"

#include "image/maps.h"
#include "process/process.h"

#define PAGE 4096ULL
#define SHARED_MAX 32u         /* mappings; a process with more stays at home */
#define EXCLUSIVE (1ULL << 56) /* Documentation/admin-guide/mm/pagemap.rst, since Linux 4.2 */
#define PRESENT (1ULL << 63)
#define ENTRIES 512u

static struct {
	uint64_t device, inode, start, end;
} own[SHARED_MAX];
static uint32_t count;
static bool is_alone;

static int note(const struct lb_mapping *mapping, void *context)
{
	(void)context;
	if (!mapping->shared_anonymous)
		return 0;
	if (count == SHARED_MAX || mapping->segment.end - mapping->segment.start > LB_SHARED_SIZE_MAX)
		return -LB_E_SHARED_MEMORY;
	own[count].device = mapping->device_number;
	own[count].inode = mapping->inode;
	own[count].start = mapping->segment.start;
	own[count++].end = mapping->segment.end;
	return 0;
}

static int compare(const struct lb_mapping *mapping, void *context)
{
	(void)context;
	for (uint32_t i = 0; i < count && mapping->shared_anonymous; i++)
		if (own[i].inode == mapping->inode && own[i].device == mapping->device_number)
			return -LB_E_SHARED_MEMORY;
	return 0;
}

bool lb_shared_is_alone(const struct lb_mapping *mapping)
{
	return is_alone && compare(mapping, 0) != 0;
}

/* A process that has ended, or is not to be looked at: another user's. */
static int look_at(const char *name)
{
	char path[32] = "/proc/";
	uint32_t at = 6;
	uint64_t pid = 0;
	for (; *name >= '0' && *name <= '9' && at < 20; name++) {
		pid = pid * 10 + (uint64_t)(*name - '0');
		path[at++] = *name;
	}
	if (at == 6 || pid == lb_self.local_pid)
		return 0;
	memcpy(path + at, "/maps", 6);
	return lb_each_mapping_of(path, compare, 0) == -LB_E_SHARED_MEMORY ? -LB_E_SHARED_MEMORY : 0;
}

static int look_at_all(void)
{
	static char entries[4096] LB_SCRATCH;
	int error = 0;
	int64_t dir = lb_syscall4(__NR_openat, AT_FDCWD, "/proc", O_DIRECTORY, 0);
	if (dir < 0)
		return -LB_E_SHARED_MEMORY;
	while (!error) {
		int64_t got = lb_syscall3(__NR_getdents64, dir, entries, sizeof entries);
		if (got <= 0)
			break;
		for (int64_t at = 0; at < got && !error; at += *(uint16_t *)(void *)(entries + at + 16))
			error = look_at(entries + at + 19);
	}
	lb_syscall1(__NR_close, dir);
	return error;
}

static int look_at_pages(void)
{
	static uint64_t entries[ENTRIES] LB_SCRATCH;
	int error = 0;
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/pagemap", 0, 0);
	for (uint32_t i = 0; i < count && !error; i++) {
		for (uint64_t at = own[i].start; at < own[i].end && !error; at += ENTRIES * PAGE) {
			uint64_t pages = (own[i].end - at) / PAGE;
			int64_t got = lb_syscall4(
				__NR_pread64, fd, entries, (pages < ENTRIES ? pages : ENTRIES) * 8, at / PAGE * 8);
			error = got < 0 ? (int)got : 0;
			for (int64_t page = 0; page < got / 8 && !error; page++)
				if ((entries[page] & (PRESENT | EXCLUSIVE)) == PRESENT)
					error = -LB_E_SHARED_MEMORY;
		}
	}
	if (fd >= 0)
		lb_syscall1(__NR_close, fd);
	return error;
}

int lb_shared_look(void)
{
	count = 0;
	is_alone = false;
	int error = lb_each_mapping(note, 0);
	if (error || count == 0)
		return error;
	error = look_at_all();
	if (!error)
		error = look_at_pages();
	is_alone = !error;
	if (is_alone)
		lb_self.may_share = true; /* away, a fork of it brings it home */
	return error;
}
