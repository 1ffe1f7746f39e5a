/* grant.c - to which descriptors the guest may write before home has executed it, and from which it may read
 * ahead; and the room on the disk that such writes are sure to find.
 *
 * A write(2) that is said to have succeeded must not find a full disk later. So home keeps a reserve on the file
 * system: an unlinked file of as many bytes as the guest can have on its way (lb_ring.h), given up when a write
 * behind finds no room. From then on nothing is granted any more: every write is told as it happens.
 */
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

#include "shadow.h"

#define RESERVES 3
/* Each descriptor may need one more block than its bytes do, and a block of metadata: LB_GRANTS_MAX of them. */
#define RESERVE_SIZE (LB_RING_SIZE + LB_GRANTS_MAX * 8192u)
#define DIRECTORIES 4

static struct {
	dev_t device;
	int fd; /* -1: unused */
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
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && status.st_dev == device)
		return lb_fd_move_up(fd);
	close(fd);
	return -1;
}

static int make_reserve(int fd, dev_t device)
{
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
	if (reserve >= 0 && fallocate(reserve, 0, 0, RESERVE_SIZE) < 0) {
		close(reserve);
		return -1;
	}
	return reserve;
}

static bool has_reserve(int fd, dev_t device)
{
	int free_one = -1;

	for (int i = 0; i < RESERVES; i++) {
		if (reserves[i].fd >= 0 && reserves[i].device == device)
			return true;
		if (reserves[i].fd < 0)
			free_one = i;
	}
	if (spent || free_one < 0)
		return false;
	reserves[free_one].fd = make_reserve(fd, device);
	reserves[free_one].device = device;
	return reserves[free_one].fd >= 0;
}

static bool may_write_behind(int fd, int flags, dev_t device)
{
	struct rlimit limit;

	if ((flags & O_ACCMODE) == O_RDONLY || (flags & (O_DIRECT | O_SYNC | O_DSYNC)))
		return false;
	/* The limit would be checked too late, and hits the reserve as well. */
	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY)
		return false;
	return has_reserve(fd, device);
}

/* Has another descriptor of this process the same offset? Unknown counts as yes. */
static bool has_duplicate(int fd, const struct stat *status)
{
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;
	bool found = directory == NULL;

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
static bool is_plain(int fd)
{
	static const uint32_t plain[] = { EXT4_SUPER_MAGIC,	 XFS_SUPER_MAGIC,     BTRFS_SUPER_MAGIC,
					  F2FS_SUPER_MAGIC,	 TMPFS_MAGIC,	      RAMFS_MAGIC,
					  OVERLAYFS_SUPER_MAGIC, SQUASHFS_MAGIC,      EROFS_SUPER_MAGIC_V1,
					  NFS_SUPER_MAGIC,	 REISERFS_SUPER_MAGIC, ISOFS_SUPER_MAGIC,
					  MSDOS_SUPER_MAGIC,	 0x2fc12fc1 /* ZFS */ };
	struct statfs system;

	if (fstatfs(fd, &system) < 0)
		return false;
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		if ((uint32_t)system.f_type == plain[i])
			return true;
	}
	return false;
}

int64_t lb_grant(int fd, struct lb_home_file *answer)
{
	struct stat status;
	int flags = lb_is_own_fd(fd) ? -1 : fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, &status) < 0)
		return -EBADF;
	answer->device = status.st_dev;
	answer->inode = status.st_ino;
	answer->grants = 0;
	if (!S_ISREG(status.st_mode) || (flags & O_PATH) || !is_plain(fd))
		return 0;
	if (may_write_behind(fd, flags, status.st_dev))
		answer->grants |= LB_GRANT_WRITE;
	if ((flags & O_ACCMODE) != O_WRONLY && !(flags & O_DIRECT) && !has_duplicate(fd, &status))
		answer->grants |= LB_GRANT_READ;
	return 0;
}

int64_t lb_read_ahead(int fd, void *to, size_t size)
{
	off_t offset = lb_is_own_fd(fd) ? -1 : lseek(fd, 0, SEEK_CUR);
	ssize_t got;

	if (offset < 0)
		return -EBADF;
	got = pread(fd, to, size, offset);
	return got < 0 ? -errno : got;
}
