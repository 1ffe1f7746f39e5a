/* mmap_file.c - mmap(2) of a descriptor: memory here, filled with the file's content from home.
 *
 * Private mappings, and shared ones that can only be read, become anonymous memory; what others write to the
 * file later does not show in them (POSIX leaves that open for private mappings; docs/LIMITS.md). A shared
 * mapping that is or may become writable brings the process home.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>
#include <asm/stat.h>
#include <asm/unistd.h>

#include "../base/mem.h"
#include "../base/syscall.h"

#include "forward.h"
#include "forward_own.h"

#define PAGE 4096ULL
#define ZERO_DEVICE 0x105ULL /* 1:5, /dev/zero: null(4) */
/* A copy of a larger file costs more than running at home: 256 MiB are 2 s at 1 Gb/s. */
#define MAP_SIZE_MAX (256ULL << 20)
#define KEPT_FLAGS \
	(MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_NORESERVE | MAP_STACK | MAP_LOCKED)

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

/* What the kernel checks before it maps: do_mmap(), mm/mmap.c, Linux 6.12. LB_DONE: come home. */
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
		return LB_DONE; /* writable now or by mprotect(2) later */
	if ((status->st_mode & S_IFMT) == S_IFCHR && status->st_rdev == ZERO_DEVICE)
		return 0;
	if ((status->st_mode & S_IFMT) == S_IFDIR)
		return -ENODEV;
	if ((status->st_mode & S_IFMT) != S_IFREG || trap->args[1] > MAP_SIZE_MAX)
		return LB_DONE;
	return 0;
}

int64_t lb_own_mmap(struct lb_trap *trap)
{
	struct stat status;
	uint64_t protection = trap->args[2];
	uint64_t size = (trap->args[1] + PAGE - 1) & ~(PAGE - 1);
	int64_t at;
	int64_t result;

	if (trap->args[3] & MAP_ANONYMOUS) {
		/* Nobody to share it with so far: fork_home.c. */
		lb_self.may_share |= (trap->args[3] & MAP_TYPE) != MAP_PRIVATE;
		return lb_here(trap);
	}
	result = check(trap, &status);
	if (result != 0)
		return result == LB_DONE ? lb_come(trap) : result;
	if ((status.st_mode & S_IFMT) == S_IFCHR)
		return anonymous(trap);
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
