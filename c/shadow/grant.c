/* grant.c - Grants write-behind and read-ahead, and keeps the reserve.
 *
 * To which descriptors the guest may write before home has executed it, and from which it may read ahead; and the room
 * on the disk that such writes are sure to find.
 *
 * A write(2) that is said to have succeeded must not find a full disk later. So home keeps a reserve on the file
 * system: an unlinked file of as many bytes as the guest can have on its way (lb_ring.h), given up when a write
 * behind finds no room. From then on nothing is granted any more: every write is told as it happens.
 */
#define ZFS_SUPER_MAGIC 0x2fc12fc1 /* no header of the kernel has it */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lb_ring.h"

#include "descriptors.h"
#include "grant.h"

#define RESERVES 3
/* Each descriptor may need one more block than its bytes do, and a block of metadata, where write(2) goes on and where
 * pwrite(2) does: LB_GRANTS_MAX of them; and what writes here and there may need (lb_ring.h). */
#define RESERVE_SIZE (LB_RING_SIZE + LB_GRANTS_MAX * 4u * LB_BLOCK_USUAL + LB_SCATTER_MAX)
#define DIRECTORIES 4
#define UNIT_MAX 65536
#define STATUS_BLOCK 512 /* st_blocks, stat(3type) */

static struct reserve {
	dev_t device;
	int fd;        /* -1: unused */
	uint32_t unit; /* bytes that this file system allocates at once */
} reserves[RESERVES];
static bool spent;

void lb_reserve_init(void)
{
	for (int i = 0; i < RESERVES; i++) {
		reserves[i].fd = -1;
		lb_own_fd(&reserves[i].fd);
	}
}

uint32_t lb_reserve_spent(void)
{
	return spent;
}

void lb_reserve_drop(void)
{
	for (int i = 0; i < RESERVES; i++) {
		if (reserves[i].fd >= 0)
			close(reserves[i].fd);
		reserves[i].fd = -1;
	}
}

bool lb_reserve_use(void)
{
	bool had = false;

	for (int i = 0; i < RESERVES; i++)
		had |= reserves[i].fd >= 0;
	lb_reserve_drop();
	spent = true;
	return had;
}

/* A file without a name on the file system of `device`. Returns a descriptor, or -1. */
static int unnamed_file(const char *directory, dev_t device)
{
	struct stat status;
	int fd;

	lb_own_fds_begin();
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_dev == device) {
		fd = lb_fd_move_up(fd);
	} else if (fd >= 0) {
		close(fd);
		fd = -1;
	}
	lb_own_fds_end();
	return fd < 0 ? -1 : fd;
}

static int make_reserve(int fd, dev_t device, uint32_t *unit)
{
	struct stat status;
	char link[64], path[PATH_MAX];
	const char *directories[DIRECTORIES] = { path, ".", getenv("HOME"), "/tmp" };
	ssize_t size;
	int reserve = -1;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	size = readlink(link, path, sizeof path - 1);
	path[size < 0 ? 0 : size] = '\0';
	if (strrchr(path, '/') != NULL)
		strrchr(path, '/')[1] = '\0'; /* the file's own directory: it may have a quota of its own */
	for (int i = 0; i < DIRECTORIES && reserve < 0; i++) {
		if (directories[i] != NULL && directories[i][0] != '\0')
			reserve = unnamed_file(directories[i], device);
	}
	*unit = 0;
	/* How much one byte takes says more than the size of a block: clusters, pages of memory. */
	if (reserve >= 0 && fallocate(reserve, 0, 0, 1) == 0 && fstat(reserve, &status) == 0 && status.st_blocks > 0 &&
		status.st_blocks <= UNIT_MAX / STATUS_BLOCK)
		*unit = (uint32_t)status.st_blocks * STATUS_BLOCK;
	if (reserve >= 0 && fallocate(reserve, 0, 0, RESERVE_SIZE) < 0) {
		close(reserve);
		return -1;
	}
	return reserve;
}

/* NULL: there is none, or none can be made. */
static const struct reserve *reserve_of(int fd, dev_t device, bool may_make)
{
	struct reserve *free_one = NULL;

	for (int i = 0; i < RESERVES; i++) {
		if (reserves[i].fd >= 0 && reserves[i].device == device)
			return &reserves[i];
		if (reserves[i].fd < 0)
			free_one = &reserves[i];
	}
	if (spent || free_one == NULL || !may_make)
		return NULL;
	free_one->fd = make_reserve(fd, device, &free_one->unit);
	free_one->device = device;
	return free_one->fd >= 0 ? free_one : NULL;
}

static bool may_write_behind(int flags)
{
	struct rlimit limit;

	if ((flags & O_ACCMODE) == O_RDONLY || (flags & (O_DIRECT | O_SYNC | O_DSYNC)))
		return false;
	/* The limit would be checked too late, and hits the reserve as well. */
	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

/* Has another descriptor of this process the same offset? Unknown counts as yes. */
static bool has_duplicate(int fd, const struct stat *status)
{
	const struct dirent *entry;
	DIR *directory;
	bool found;

	lb_own_fds_begin();
	directory = opendir("/proc/self/fd");
	lb_own_fds_end();
	found = directory == NULL;
	while (!found && (entry = readdir(directory)) != NULL) {
		int other = atoi(entry->d_name);
		struct stat its;

		if (entry->d_name[0] == '.' || other == fd || fstat(other, &its) < 0)
			continue;
		if (its.st_dev == status->st_dev && its.st_ino == status->st_ino)
			found = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, fd, other) <= 0;
	}
	if (directory != NULL)
		closedir(directory);
	return found;
}

/* File systems whose files are plain bytes: those of /proc and /sys are made while they are read. */
struct kind {
	uint32_t magic;
	bool scatters; /* a write anywhere needs what LB_SCATTER_BLOCKS says: it is in place, and fills no gap */
	uint8_t bits;  /* of the largest offset: s_maxbytes or less; one that depends on the server counts as large */
};

static const struct kind *kind_of(int fd)
{
	static const struct kind kinds[] = {
		{ EXT4_SUPER_MAGIC, true, 33 }, /* with blocks of 1 KiB and no extents; see offset_max() */
		{ XFS_SUPER_MAGIC, true, 40 },
		{ F2FS_SUPER_MAGIC, true, 40 },
		{ TMPFS_MAGIC, true, 40 },
		{ RAMFS_MAGIC, true, 40 },
		{ OVERLAYFS_SUPER_MAGIC, true, 31 },
		{ BTRFS_SUPER_MAGIC, false, 40 },
		{ ZFS_SUPER_MAGIC, false, 40 },
		{ NFS_SUPER_MAGIC, false, 40 },
		{ REISERFS_SUPER_MAGIC, false, 31 },
		{ MSDOS_SUPER_MAGIC, false, 31 },
		{ SQUASHFS_MAGIC, false, 31 },
		{ EROFS_SUPER_MAGIC_V1, false, 31 },
		{ ISOFS_SUPER_MAGIC, false, 31 },
	};
	struct statfs system;

	if (fstatfs(fd, &system) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if ((uint32_t)system.f_type == kinds[i].magic)
			return &kinds[i];
	}
	return NULL;
}

/* Up to here lseek(2) and writes succeed: what a file has already, or what every file of its kind may have. */
static uint64_t offset_max(const struct kind *kind, const struct stat *status)
{
	uint64_t usual = (UINT64_C(1) << kind->bits) - 1;

	/* ext2_max_size(), fs/ext2/super.c, Linux 6.12: 2 TiB less the blocks that point to others. */
	if (kind->magic == EXT4_SUPER_MAGIC && status->st_blksize >= 4096)
		usual = (UINT64_C(1) << 40) - 1;
	return (uint64_t)status->st_size > usual ? (uint64_t)status->st_size : usual;
}

static int64_t fill(int fd, struct lb_home_file *answer, bool opened)
{
	const struct reserve *reserve = NULL;
	const struct kind *kind;
	struct stat status;
	int flags = lb_is_own_fd(fd) ? -1 : fcntl(fd, F_GETFL);

	_Static_assert(sizeof status == LB_HOME_STATUS_SIZE, "struct stat of the kernel");
	memset(answer, 0, sizeof *answer);
	if (flags < 0 || fstat(fd, &status) < 0)
		return -EBADF;
	answer->device = status.st_dev;
	answer->inode = status.st_ino;
	answer->appends = (flags & O_APPEND) != 0;
	kind = S_ISREG(status.st_mode) && !(flags & O_PATH) ? kind_of(fd) : NULL;
	if (kind == NULL)
		return 0;
	answer->is_regular = 1;
	memcpy(answer->status, &status, sizeof status);
	answer->offset = opened ? 0 : (uint64_t)lseek(fd, 0, SEEK_CUR);
	answer->offset_max = offset_max(kind, &status);
	if (may_write_behind(flags))
		reserve = reserve_of(fd, status.st_dev, !opened);
	if (reserve != NULL) {
		answer->grants |= LB_GRANT_WRITE;
		answer->unit = kind->scatters ? reserve->unit : 0;
	}
	if ((flags & O_ACCMODE) != O_WRONLY && !(flags & O_DIRECT))
		answer->grants |= LB_GRANT_READ;
	if (opened || !has_duplicate(fd, &status))
		answer->grants |= LB_GRANT_OFFSET;
	return 0;
}

int64_t lb_grant(int fd, struct lb_home_file *answer)
{
	return fill(fd, answer, false);
}

void lb_grant_opened(int fd, struct lb_home_file *answer)
{
	fill(fd, answer, true);
}

int64_t lb_read_ahead(int fd, void *to, size_t size, uint64_t offset)
{
	ssize_t got;

	if (lb_is_own_fd(fd) || size < sizeof offset)
		return -EBADF;
	if (offset == LB_AT_OFFSET)
		offset = (uint64_t)lseek(fd, 0, SEEK_CUR);
	if ((int64_t)offset < 0)
		return -EBADF;
	memcpy(to, &offset, sizeof offset);
	got = pread(fd, (uint8_t *)to + sizeof offset, size - sizeof offset, (off_t)offset);
	return got < 0 ? -errno : got + (ssize_t)sizeof offset;
}
