/* names.c - folders, links, names, and what the kernel keeps about a file. */
#include "conformity.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

static int count_entries(int fd)
{
	char buffer[512];
	int entries = 0;
	long size;

	lseek(fd, 0, SEEK_SET);
	while ((size = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < size; at += ((struct dirent64 *)(buffer + at))->d_reclen)
			entries++;
	return size < 0 ? -1 : entries;
}

static void check_folders(void)
{
	char path[4096], name[16];
	int fd;

	CALL("mkdir", mkdir("folder", 0777));
	CALL("mkdir of what exists", mkdir("folder", 0777));
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "folder/%d", i);
		close(creat(name, 0600));
	}
	CALL("rmdir of a full folder", rmdir("folder"));
	fd = must("folder", open("folder", O_RDONLY | O_DIRECTORY));
	CALL("entries", count_entries(fd));
	CALL("entries again", count_entries(fd));
	lseek(fd, 0, SEEK_SET);
	CALL("getdents into too little", syscall(SYS_getdents64, fd, path, 8));
	CALL("getdents of old", syscall(SYS_getdents, fd, path, 4096) > 0);
	CALL("fchdir", fchdir(fd));
	getcwd(path, sizeof path);
	show("getcwd", "%s", strrchr(path, '/'));
	CALL("getcwd into too little", syscall(SYS_getcwd, path, 3));
	CALL("chdir to a file", chdir("7"));
	CALL("chdir up", chdir(".."));
	CALL("chdir to nothing", chdir("none"));
	mkdir("gone", 0755);
	chdir("gone");
	CALL("rmdir of the working directory", rmdir("../gone"));
	CALL("getcwd then", syscall(SYS_getcwd, path, sizeof path) > 0 ? 1 : -1);
	CALL("creat then", creat("x", 0600));
	must("fchdir", fchdir(fd));
	chdir("..");
	CALL("mkdirat", mkdirat(fd, "sub", 0700));
	CALL("rmdir by unlinkat", unlinkat(fd, "sub", AT_REMOVEDIR));
	CALL("unlink of a folder", unlink("folder"));
	CALL("unlinkat with unknown flags", unlinkat(fd, "7", 0x40));
	CALL("rmdir of a dot", rmdir("."));
	close(fd);
}

static void check_links(void)
{
	struct stat status;
	char text[32];
	int fd = make_file("first", "first"), other = make_file("second", "second!");

	CALL("link", link("first", "hard"));
	fstat(fd, &status);
	show("links", "%ld", (long)status.st_nlink);
	CALL("link to what exists", link("first", "hard"));
	CALL("symlink", symlink("first", "soft"));
	CALL("readlink", readlink("soft", text, sizeof text));
	CALL("readlink into too little", readlink("soft", text, 2));
	CALL("readlink of a file", readlink("first", text, sizeof text));
	CALL("lstat", lstat("soft", &status));
	show("its size", "%ld", (long)status.st_size);
	CALL("linkat of a link", linkat(AT_FDCWD, "soft", AT_FDCWD, "soft2", 0));
	CALL("linkat of what a link names", linkat(AT_FDCWD, "soft", AT_FDCWD, "hard2", AT_SYMLINK_FOLLOW));
	CALL("symlinkat", symlinkat("nowhere", AT_FDCWD, "dangling"));
	CALL("stat of a dangling link", stat("dangling", &status));
	CALL("rename", rename("hard", "renamed"));
	CALL("rename over another file", rename("renamed", "second"));
	stat("second", &status);
	show("size of what is there now", "%ld", (long)status.st_size);
	fstat(other, &status);
	show("links of what was there", "%ld", (long)status.st_nlink);
	CALL("renameat2 RENAME_NOREPLACE", renameat2(AT_FDCWD, "first", AT_FDCWD, "second", RENAME_NOREPLACE));
	mkdir("d1", 0755);
	mkdir("d2", 0755);
	close(creat("d2/x", 0600));
	CALL("renameat2 RENAME_EXCHANGE", renameat2(AT_FDCWD, "d1", AT_FDCWD, "second", RENAME_EXCHANGE));
	CALL("access of what was exchanged", access("second/.", F_OK));
	CALL("rename over a full folder", rename("second", "d2"));
	CALL("rename into itself", rename("d2", "d2/y"));
	CALL("unlink of a file that is open", unlink("first"));
	CALL("read of it", pread(fd, text, sizeof text, 0));
	CALL("mknod of a pipe", mknod("fifo", S_IFIFO | 0600, 0));
	stat("fifo", &status);
	show("its mode", "%o", status.st_mode);
	CALL("umask", umask(077));
	close(creat("private", 0666));
	stat("private", &status);
	show("mode under umask 077", "%o", status.st_mode & 07777);
	CALL("umask back", umask(022));
	close(fd);
	close(other);
}

static void check_resolve(void)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_BENEATH };
	int fd = must("open", open(".", O_RDONLY | O_DIRECTORY));
	char handle[256] = { (char)128 };
	int mount;

	CALL("openat2 beneath, out of it", syscall(SYS_openat2, fd, "..", &how, sizeof how));
	how.resolve = RESOLVE_NO_SYMLINKS;
	CALL("openat2 without links", syscall(SYS_openat2, fd, "soft", &how, sizeof how));
	how.resolve = 1ULL << 60;
	CALL("openat2 with unknown bits", syscall(SYS_openat2, fd, "soft", &how, sizeof how));
	CALL("openat2 of a small struct", syscall(SYS_openat2, fd, "soft", &how, 8));
	CALL("name_to_handle_at of nothing", name_to_handle_at(fd, "none", (void *)handle, &mount, 0));
	CALL("access", access(".", R_OK | W_OK | X_OK));
	CALL("access with unknown bits", access(".", 99));
	CALL("faccessat2", syscall(SYS_faccessat2, fd, "private", R_OK, AT_EACCESS));
	close(fd);
}

static void run_names(void)
{
	check_folders();
	check_links();
	check_resolve();
}

static void check_times(void)
{
	struct timespec times[2] = { { 1000000000, 123456789 }, { 1100000000, 987654321 } };
	struct timeval old[2] = { { 900000000, 5 }, { 910000000, 6 } };
	struct utimbuf older = { 800000000, 810000000 };
	struct stat status;
	int fd = make_file("times", "x");

	CALL("futimens", futimens(fd, times));
	fstat(fd, &status);
	show("times", "%ld.%09ld %ld.%09ld", status.st_atim.tv_sec, status.st_atim.tv_nsec, status.st_mtim.tv_sec,
		status.st_mtim.tv_nsec);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_sec = 1200000000;
	CALL("utimensat that omits one", utimensat(AT_FDCWD, "times", times, 0));
	fstat(fd, &status);
	show("times then", "%ld.%09ld %ld", status.st_atim.tv_sec, status.st_atim.tv_nsec, status.st_mtim.tv_sec);
	times[0].tv_nsec = 2000000000;
	CALL("utimensat with bad nanoseconds", utimensat(AT_FDCWD, "times", times, 0));
	CALL("utimes", utimes("times", old));
	CALL("futimesat", syscall(SYS_futimesat, AT_FDCWD, "times", old));
	CALL("utime", syscall(SYS_utime, "times", &older));
	fstat(fd, &status);
	show("times at last", "%ld %ld", status.st_atim.tv_sec, status.st_mtim.tv_sec);
	CALL("utimensat of nothing", utimensat(AT_FDCWD, "none", NULL, 0));
	CALL("utimensat to now", utimensat(AT_FDCWD, "times", NULL, 0));
	fstat(fd, &status);
	show("it is younger", "%d", status.st_mtim.tv_sec > 1200000000);
	close(fd);
}

static void check_modes(void)
{
	int fd = make_file("modes", "four");
	struct statx wide;
	struct stat status;
	struct statfs by_path, by_fd;

	CALL("chmod", chmod("modes", 0604));
	CALL("fchmod", fchmod(fd, 02711));
	CALL("fchmodat2", syscall(452, AT_FDCWD, "modes", 0640, 0));
	fstat(fd, &status);
	show("mode", "%o", status.st_mode);
	CALL("chown to oneself", chown("modes", getuid(), getgid()));
	CALL("fchown to nobody else", fchown(fd, (uid_t)-1, (gid_t)-1));
	CALL("lchown", lchown("modes", getuid(), (gid_t)-1));
	CALL("fchownat", fchownat(AT_FDCWD, "modes", getuid(), getgid(), AT_SYMLINK_NOFOLLOW));
	CALL("chmod of nothing", chmod("none", 0));
	CALL("statx", statx(AT_FDCWD, "modes", 0, STATX_BASIC_STATS, &wide));
	show("its fields", "%o %u %lu %u", wide.stx_mode, wide.stx_nlink, (long)wide.stx_size,
		wide.stx_mask & STATX_BASIC_STATS);
	CALL("statx of a descriptor", statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &wide));
	CALL("statx with bad flags", statx(fd, "", 0x40000000, STATX_SIZE, &wide));
	CALL("newfstatat of an empty path", fstatat(fd, "", &status, AT_EMPTY_PATH));
	CALL("statfs", statfs("modes", &by_path));
	CALL("fstatfs", fstatfs(fd, &by_fd));
	show("they agree", "%d", by_path.f_type == by_fd.f_type && by_path.f_bsize == by_fd.f_bsize);
	WORKS("syncfs", syncfs(fd));
	close(fd);
}

static void check_attributes(void)
{
	int fd = make_file("attributes", "x");
	char text[256] = "";

	CALL("getxattr of none", getxattr("attributes", "user.a", text, sizeof text));
	CALL("setxattr", setxattr("attributes", "user.a", "value", 5, 0));
	CALL("setxattr XATTR_CREATE", setxattr("attributes", "user.a", "v", 1, XATTR_CREATE));
	CALL("fsetxattr XATTR_REPLACE", fsetxattr(fd, "user.b", "v", 1, XATTR_REPLACE));
	CALL("fsetxattr", fsetxattr(fd, "user.b", "", 0, 0));
	CALL("getxattr", getxattr("attributes", "user.a", text, sizeof text));
	CALL("getxattr of the size", getxattr("attributes", "user.a", NULL, 0));
	CALL("fgetxattr into too little", fgetxattr(fd, "user.a", text, 2));
	CALL("lgetxattr", lgetxattr("attributes", "user.a", text, sizeof text));
	show("it", "%.5s", text);
	WORKS("listxattr", listxattr("attributes", text, sizeof text));
	WORKS("flistxattr", flistxattr(fd, text, sizeof text));
	CALL("removexattr", removexattr("attributes", "user.a"));
	CALL("fremovexattr of none", fremovexattr(fd, "user.a"));
	CALL("setxattr of an unknown kind", setxattr("attributes", "nothing.a", "v", 1, 0));
	close(fd);
}

static void run_attributes(void)
{
	check_times();
	check_modes();
	check_attributes();
}

const struct part part_names = { "names", run_names };
const struct part part_attributes = { "attributes", run_attributes };
