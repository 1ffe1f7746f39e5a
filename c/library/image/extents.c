/* extents.c - Finds where a large mapped file has data.
 *
 * The holes of a sparse one are zeros on every node and need not travel, nor be read into memory to find that out.
 *
 * Its holes are told by lseek(2) of a descriptor, and this process must not open one: closing it would release the
 * program's own locks on that file (fcntl_locking(2)). So a child that shares the memory but not the table of
 * descriptors asks, while this process waits for it as in vfork(2).
 *
 * Runs in:  the trigger's or the SIGSYS handler, all signals blocked, while nothing of the program's memory changes.
 */
#include "image/extents.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/mman.h>

#include "memory_child.h"
#include "syscall.h"
#include "text.h"

#include "image/mapped.h"
#include "image/maps.h"
#include "process/process.h"

#define PAGE 4096ULL
#define PAGE_DOWN(n) ((uint64_t)(n) & ~(PAGE - 1))
#define PAGE_UP(n) PAGE_DOWN((n) + PAGE - 1)
#define PATH_SIZE 4096
/* Smaller ones are sent whole: 30 ms at 1 Gb/s, and no program's libraries are worth a child. */
#define SIZE_MIN (4ULL << 20)
#define EXTENTS 256
#define STACK_SIZE 16384

/* What is asked, and the answer. */
static struct {
	char path[PATH_SIZE];
	uint64_t device, inode; /* as /proc/self/maps tells them */
	int fd;                 /* away from home: what takes its place here, our own; else -1 */
	uint64_t offset;        /* in the file, of the mapping's beginning */
	uint64_t from, to;      /* in the file */
	uint64_t until;         /* so far is told; `from`: nothing is known */
	uint32_t count;
	struct {
		uint64_t start, end;
	} extents[EXTENTS];
} question LB_SCRATCH;

static char stack[STACK_SIZE] LB_SCRATCH __attribute__((aligned(16)));

static int note_if_at(const struct lb_mapping *mapping, void *context)
{
	uint64_t start = *(const uint64_t *)context;
	if (mapping->segment.start != start)
		return 0;
	lb_text_copy(question.path, mapping->path, sizeof question.path);
	question.fd = lb_mapped_fd(mapping);
	question.device = mapping->device_number;
	question.inode = mapping->inode;
	question.offset = mapping->offset;
	return 1;
}

static int is_the_file(const struct lb_mapping *mapping, void *context)
{
	uint64_t start = *(const uint64_t *)context;
	if (mapping->segment.start != start)
		return 0;
	return mapping->device_number == question.device && mapping->inode == question.inode ? 1 : -1;
}

/* Another file may have that name by now. stat(2) does not tell: its device is another one on btrfs and overlayfs. */
static bool is_mapped_file(int64_t fd)
{
	uint64_t at = (uint64_t)lb_syscall6(__NR_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at > -4096ULL)
		return false;
	bool same = lb_each_mapping(is_the_file, &at) == 1;
	lb_syscall2(__NR_munmap, at, PAGE);
	return same;
}

static void look(int64_t fd)
{
	for (uint64_t at = question.from; at < question.to && question.count < EXTENTS;) {
		int64_t data = lb_syscall3(__NR_lseek, fd, at, SEEK_DATA);
		int64_t hole = data < 0 ? data : lb_syscall3(__NR_lseek, fd, data, SEEK_HOLE);
		if (data == -ENXIO) { /* none behind this */
			question.until = question.to;
			return;
		}
		if (hole <= data || (uint64_t)data < at)
			return;
		question.extents[question.count].start = (uint64_t)data;
		question.extents[question.count++].end = (uint64_t)hole;
		at = question.until = (uint64_t)hole;
	}
}

/* In the child. */
static void answer(void)
{
	struct stat status;
	/* To open what is no file may do something. */
	if (lb_syscall2(__NR_stat, question.path, &status) != 0 || (status.st_mode & S_IFMT) != S_IFREG)
		return;
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, question.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd >= 0 && is_mapped_file(fd))
		look(fd);
}

/* On a stack of its own: what lies on this one must be there afterwards. */
static void ask(void)
{
	question.count = 0;
	question.until = question.from;
	if (question.fd >= 0) {
		look(question.fd);
		return;
	}
	lb_memory_child(answer, (uint64_t)stack + sizeof stack);
}

/* What is known of [from, to) in the file, as parts of the mapping. */
static int tell(uint64_t start, lb_stretch_fn *each, void *context)
{
	uint64_t base = start - question.offset, at = question.from;
	int result = 0;
	for (uint32_t i = 0; i < question.count && !result; i++) {
		uint64_t data = PAGE_DOWN(question.extents[i].start), hole = PAGE_UP(question.extents[i].end);
		hole = hole < question.to ? hole : question.to;
		if (data > at)
			result = each(base + at, base + data, true, context);
		data = data > at ? data : at;
		if (!result && hole > data)
			result = each(base + data, base + hole, false, context);
		at = hole > at ? hole : at;
	}
	question.until = question.until < question.to ? PAGE_UP(question.until) : question.to;
	return result || question.until <= at ? result : each(base + at, base + question.until, true, context);
}

int lb_stretches_each(uint64_t start, uint64_t end, lb_stretch_fn *each, void *context)
{
	int result = 0;
	if (end - start < SIZE_MIN || lb_each_mapping(note_if_at, &start) != 1 || question.path[0] != '/')
		return each(start, end, false, context);
	question.from = question.offset;
	question.to = question.offset + (end - start);
	while (question.from < question.to && !result) {
		ask();
		if (question.until == question.from) /* all of it may be data */
			return each(start + (question.from - question.offset), end, false, context);
		result = tell(start, each, context);
		question.from = question.until;
	}
	return result;
}
