/* mmap.c - mmap(2) of a descriptor.
 *
 * Of a file without a name here (mapped.c), filled with the content from home.
 *
 * So for private mappings, and for shared ones that can only be read; what others write to the file later does not
 * show in them (POSIX leaves that open for private mappings; docs/LIMITS.md). A shared mapping that is or may become
 * writable brings the process home.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "calls/mmap.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>
#include <asm/stat.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "cache/descriptors.h"
#include "calls/own.h"
#include "home_call/request.h"
#include "process/own_memory.h"
#include "process/process.h"
#include "trap/stub.h"
#include "trap/trap.h"
#include "image/mapped.h"
#include "process/limits.h"

#define PAGE 4096ULL
#define ZERO_DEVICE 0x105ULL /* 1:5, /dev/zero: null(4) */
/* A copy of a larger file costs more than running at home: 256 MiB are 2 s at 1 Gb/s. */
#define MAP_SIZE_MAX (256ULL << 20)
#define KEPT_FLAGS (MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_NORESERVE | MAP_STACK | MAP_LOCKED | MAP_POPULATE)
#define NAME_SIZE 4096 /* PATH_MAX */
#define FD_PATH_SIZE 48

/* Makes a call at home with one output buffer. */
static int64_t home_output(uint32_t number, uint64_t fd, void *to, uint64_t size, uint64_t offset)
{
	struct lb_request request = { .number = number };

	lb_request_value(&request, 0, fd);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)to, size);
	lb_request_value(&request, 2, size);
	lb_request_value(&request, 3, offset);
	if (number == __NR_pread64)
		request.flags = LB_CALL_RESULT_SIZE;
	return lb_request_run(&request);
}

/* Reads the file into [at, at + size). Past its end the pages stay zero. */
static int64_t fill(uint64_t fd, uint64_t at, uint64_t size, uint64_t offset)
{
	while (size > 0) {
		uint64_t chunk = size < LB_LINK_DATA_SIZE_MAX ? size : LB_LINK_DATA_SIZE_MAX;
		int64_t got = home_output(__NR_pread64, fd, (void *)at, chunk, offset);

		if (got <= 0)
			return got;
		at += (uint64_t)got;
		offset += (uint64_t)got;
		size -= (uint64_t)got;
	}
	return 0;
}

static int64_t anonymous(struct lb_trap *trap)
{
	/* MAP_SHARED of /dev/zero is memory that only fork(2) could share. */
	return lb_syscall6(__NR_mmap, trap->args[0], trap->args[1], trap->args[2],
		(trap->args[3] & KEPT_FLAGS) | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void fd_path(char path[FD_PATH_SIZE], uint64_t fd)
{
	char digits[20];
	unsigned count = 0, at = sizeof("/proc/thread-self/fd/") - 1;

	memcpy(path, "/proc/thread-self/fd/", at);
	do
		digits[count++] = (char)('0' + fd % 10);
	while (fd /= 10);
	while (count > 0)
		path[at++] = digits[--count];
	path[at] = '\0';
}

/* Where home finds the file again: its name there. */
bool lb_home_name(uint64_t fd, char name[NAME_SIZE])
{
	struct lb_request request = { .number = __NR_readlink, .flags = LB_CALL_RESULT_SIZE };
	char path[FD_PATH_SIZE];
	int64_t length;

	fd_path(path, (uint32_t)fd);
	lb_request_memory(&request, 0, LB_ARG_IN, (uint64_t)path, strlen(path) + 1);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)name, NAME_SIZE - 8);
	lb_request_value(&request, 2, NAME_SIZE - 8);
	length = lb_request_run(&request);
	if (length < 0)
		return false;
	name[length] = '\0';
	return true;
}

/* What takes the file's place here, as long as it is; NULL: nothing can. */
static struct lb_mapped_file *place_of(uint64_t fd, const struct stat *status)
{
	static char name[NAME_SIZE] LB_SCRATCH;
	uint64_t device = LB_DEVICE(status->st_dev);
	struct lb_mapped_file *file = lb_mapped_find(device, status->st_ino);

	if (file == NULL && lb_home_name(fd, name))
		file = lb_mapped_add(device, status->st_ino, name);
	if (file == NULL || lb_syscall2(__NR_ftruncate, file->fd, status->st_size) < 0)
		return NULL;
	lb_files_mapped(status->st_dev, status->st_ino);
	return file;
}

/* Reads a part of the file into its place, by a mapping of its own for that time. */
static int64_t fill_place(const struct lb_mapped_file *file, uint64_t fd, uint64_t size, uint64_t offset)
{
	int64_t at, result;

	lb_limits_follow(size);
	at = lb_syscall6(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, offset);
	result = at < 0 ? at : fill(fd, (uint64_t)at, size, offset);
	if (at >= 0)
		lb_syscall2(__NR_munmap, at, size);
	lb_limits_follow(0);
	return result;
}

static int64_t map_place(const struct lb_trap *trap, const struct lb_mapped_file *file)
{
	uint64_t type = trap->args[3] & MAP_TYPE;
	int64_t fd = file->fd, at;
	char path[FD_PATH_SIZE];

	if (type == MAP_SHARED) { /* never to become writable */
		fd_path(path, (uint32_t)fd);
		fd = lb_syscall4(__NR_openat, AT_FDCWD, path, O_RDONLY, 0);
		if (fd < 0)
			return fd;
	}
	at = lb_syscall6(__NR_mmap, trap->args[0], trap->args[1], trap->args[2], (trap->args[3] & KEPT_FLAGS) | type,
		fd, trap->args[5]);
	if (type == MAP_SHARED)
		lb_syscall1(__NR_close, fd);
	return at;
}

/* What the kernel checks before it maps: do_mmap(), mm/mmap.c, Linux 6.12. LB_NEEDS_HOME, too. */
static int64_t check(struct lb_trap *trap, struct stat *status)
{
	uint64_t type = trap->args[3] & MAP_TYPE;
	int64_t mode = lb_home_values(__NR_fcntl, trap->args[4], F_GETFL, 0, 0);
	int64_t result;

	if (mode < 0)
		return mode;
	if (mode & O_PATH)
		return -EBADF;
	result = home_output(__NR_fstat, trap->args[4], status, sizeof(*status), 0);
	if (result < 0)
		return result;
	if (trap->args[1] == 0 || (trap->args[5] & (PAGE - 1)) != 0)
		return -EINVAL;
	if (trap->args[5] + trap->args[1] < trap->args[5])
		return -EOVERFLOW;
	if ((mode & O_ACCMODE) == O_WRONLY)
		return -EACCES;
	if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type != MAP_PRIVATE && (mode & O_ACCMODE) == O_RDONLY && (trap->args[2] & PROT_WRITE))
		return -EACCES;
	if (type != MAP_PRIVATE && ((mode & O_ACCMODE) != O_RDONLY || type != MAP_SHARED))
		return LB_NEEDS_HOME; /* writable now or by mprotect(2) later */
	if ((status->st_mode & S_IFMT) == S_IFCHR && status->st_rdev == ZERO_DEVICE)
		return 0;
	if ((status->st_mode & S_IFMT) == S_IFDIR)
		return -ENODEV;
	if ((status->st_mode & S_IFMT) != S_IFREG || trap->args[1] > MAP_SIZE_MAX)
		return LB_NEEDS_HOME;
	return 0;
}

/* Without a place: anonymous memory with the file's content. */
static int64_t map_copy(struct lb_trap *trap, uint64_t size)
{
	uint64_t protection = trap->args[2];
	int64_t at, result;

	trap->args[2] = PROT_READ | PROT_WRITE;
	at = anonymous(trap);
	if (at < 0)
		return at;
	result = fill(trap->args[4], (uint64_t)at, size, trap->args[5]);
	if (result == 0)
		result = lb_syscall3(__NR_mprotect, at, size, protection);
	if (result < 0)
		lb_syscall2(__NR_munmap, at, size);
	return result < 0 ? result : at;
}

int64_t lb_own_mmap(struct lb_trap *trap)
{
	struct stat status;
	struct lb_mapped_file *file;
	uint64_t size = (trap->args[1] + PAGE - 1) & ~(PAGE - 1);
	uint64_t offset = trap->args[5];
	int64_t result;

	if (trap->args[3] & MAP_ANONYMOUS) {
		/* Nobody to share it with so far: fork_home.c. */
		lb_self.may_share |= (trap->args[3] & MAP_TYPE) != MAP_PRIVATE;
		return lb_here(trap);
	}
	result = check(trap, &status);
	if (result != 0)
		return result;
	if ((status.st_mode & S_IFMT) == S_IFCHR)
		return anonymous(trap);
	file = place_of(trap->args[4], &status);
	if (file == NULL)
		return map_copy(trap, size);
	if (offset < (uint64_t)status.st_size) {
		uint64_t there = ((uint64_t)status.st_size - offset + PAGE - 1) & ~(PAGE - 1);

		result = fill_place(file, trap->args[4], there < size ? there : size, offset);
		if (result < 0)
			return result;
	}
	return map_place(trap, file);
}
