/* disk.c - What file systems do in ways of their own.
 *
 * Files without a name, exchanges, holes, room set aside.
 */
#include "conformity.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BLOCK 4096

static void check_unnamed(void)
{
	char path[64], text[16] = "";
	struct stat status;
	int fd = open(".", O_TMPFILE | O_RDWR, 0600), other;

	CALL("open O_TMPFILE", fd < 0 ? -1 : 0);
	for (int i = 0; i < 3 && fd >= 0; i++)
		CALL("write", write(fd, "text", 4));
	fstat(fd, &status);
	show("names, size", "%d %d", (int)status.st_nlink, (int)status.st_size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	CALL("linkat", linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	CALL("pwrite", pwrite(fd, "TEXT", 4, 4));
	fstat(fd, &status);
	show("names, size", "%d %d", (int)status.st_nlink, (int)status.st_size);
	other = open("named", O_RDONLY);
	CALL("read", read(other, text, sizeof text - 1));
	show("it", "%s", text);
	close(other);
	close(fd);
	fd = open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0600);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	CALL("linkat of an exclusive one", linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
	CALL("open O_TMPFILE for reading", open(".", O_TMPFILE | O_RDONLY, 0600));
	close(fd);
}

/* A file that is written behind while its name goes elsewhere. */
static void check_renames(void)
{
	int a = make_file("a", "aaaa"), b = make_file("b", "bbbb"), fd;
	char text[16];

	for (int i = 0; i < 3; i++) {
		must("write", pwrite(a, "AA", 2, i));
		must("write", pwrite(b, "BB", 2, i));
	}
	CALL("renameat2 RENAME_EXCHANGE", renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
	must("write", pwrite(a, "x", 1, 3));
	fd = open("b", O_RDONLY);
	memset(text, 0, sizeof text);
	CALL("read of the one", read(fd, text, 8));
	show("it", "%s", text);
	close(fd);
	CALL("renameat2 RENAME_NOREPLACE", renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
	CALL("rename over it", rename("a", "b"));
	must("write", write(a, "gone", 4));
	fd = open("b", O_RDONLY);
	memset(text, 0, sizeof text);
	CALL("read of what is there now", read(fd, text, 8));
	show("it", "%s", text);
	close(fd);
	memset(text, 0, sizeof text);
	CALL("pread of what has no name", pread(a, text, 8, 0));
	CALL("unlink", unlink("b"));
	CALL("write to what has none", write(b, "more", 4));
	CALL("its size", lseek(b, 0, SEEK_END));
	close(a);
	close(b);
}

/* Where data and holes are; whether the file system tells of holes is its own affair, and the same everywhere. */
static void show_holes(int fd)
{
	off_t at = 0, end = lseek(fd, 0, SEEK_END), next;
	char text[256] = "";
	int size = 0;

	while (at < end && size < (int)sizeof text - 32) {
		next = lseek(fd, at, SEEK_HOLE);
		if (next > at)
			size += snprintf(text + size, sizeof text - (size_t)size, " data to %ld", (long)next);
		at = next < 0 ? end : next;
		next = lseek(fd, at, SEEK_DATA);
		if (next != at && at < end)
			size += snprintf(text + size, sizeof text - (size_t)size, " hole to %ld",
				next < 0 ? (long)end : (long)next);
		at = next < 0 ? end : next;
	}
	show("the file", "%ld:%s", (long)end, text);
}

static void check_holes(void)
{
	int fd = make_file("holes", "");
	char block[BLOCK], text[8] = "";

	memset(block, 'b', sizeof block);
	for (int i = 0; i < 8; i++)
		must("pwrite", pwrite(fd, block, BLOCK, i * 16L * BLOCK));
	show_holes(fd);
	CALL("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16 * BLOCK, 16 * BLOCK));
	show_holes(fd);
	CALL("pread in it", pread(fd, text, 4, 16 * BLOCK));
	show("zeros", "%d", text[0] == 0 && text[3] == 0);
	must("pwrite", pwrite(fd, "x", 1, 20 * BLOCK));
	CALL("zero range", fallocate(fd, FALLOC_FL_ZERO_RANGE, 32 * BLOCK, BLOCK));
	CALL("pread of it", pread(fd, text, 4, 32 * BLOCK));
	show("zeros", "%d", text[0] == 0 && text[3] == 0);
	CALL("collapse", fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 16 * BLOCK));
	CALL("size", lseek(fd, 0, SEEK_END));
	CALL("insert", fallocate(fd, FALLOC_FL_INSERT_RANGE, 16 * BLOCK, 16 * BLOCK));
	CALL("size", lseek(fd, 0, SEEK_END));
	CALL("pread of the first", pread(fd, text, 4, 0));
	CALL("fallocate", fallocate(fd, 0, 0, 200 * BLOCK));
	CALL("size", lseek(fd, 0, SEEK_END));
	CALL("ftruncate", ftruncate(fd, 3 * BLOCK));
	must("pwrite", pwrite(fd, "end", 3, 5 * BLOCK));
	show_holes(fd);
	CALL("fallocate of too much", fallocate(fd, 0, 0, 1L << 60));
	CALL("fsync", fsync(fd));
	CALL("sync_file_range", sync_file_range(fd, 0, BLOCK, SYNC_FILE_RANGE_WRITE));
	close(fd);
}

static void check_files(void)
{
	int fd = make_file("plain", "0123456789"), other = make_file("copy", "");
	struct statvfs system;
	char value[16];
	off_t from = 2;

	CALL("fsetxattr", fsetxattr(fd, "user.name", "value", 5, 0));
	CALL("fgetxattr", fgetxattr(fd, "user.name", value, sizeof value));
	CALL("copy_file_range", copy_file_range(fd, &from, other, NULL, 5, 0));
	CALL("size", lseek(other, 0, SEEK_END));
	CALL("statvfs", statvfs(".", &system));
	show("longest name", "%lu", system.f_namemax);
	CALL("syncfs", syncfs(fd));
	CALL("open O_SYNC", close(open("plain", O_RDWR | O_SYNC)));
	fd = must("open", open("plain", O_WRONLY | O_DSYNC));
	for (int i = 0; i < 3; i++)
		CALL("write O_DSYNC", write(fd, "dsync", 5));
	close(fd);
	close(other);
}

static void run_disk(void)
{
	check_unnamed();
	check_renames();
	check_holes();
	check_files();
}

const struct part part_disk = { "disk", run_disk };
