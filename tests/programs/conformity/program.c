/* program.c - What /proc/self tells of the program's file and descriptors.
 *
 * Though another program stands at home.
 */
#include "conformity.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DESCRIPTORS 60

/* The last part of a link's text: the folder is another one in each run. */
static void show_link(const char *path)
{
	char text[4096];
	ssize_t size = readlink(path, text, sizeof text - 1);

	text[size < 0 ? 0 : size] = '\0';
	show(path, "%s", strrchr(text, '/') != NULL ? strrchr(text, '/') : text);
}

static void check_file(const char *path)
{
	struct {
		struct file_handle handle;
		char room[128];
	} handle = { .handle.handle_bytes = 128 };
	struct stat named, opened, link;
	struct statx more;
	char first[4] = "";
	int mount, fd = open(path, O_RDONLY);

	show("open", "%d", fd >= 0);
	CALL("read", read(fd, first, 4));
	show("it begins", "%.3s", first + 1);
	CALL("stat", stat(path, &named));
	CALL("fstat", fstat(fd, &opened));
	show("the same, of some size", "%d %d", named.st_ino == opened.st_ino, named.st_size > 10000);
	show("names", "%d", (int)named.st_nlink);
	CALL("lstat", lstat(path, &link));
	show("a link", "%o %d", link.st_mode, (int)link.st_size);
	CALL("statx", statx(AT_FDCWD, path, 0, STATX_ALL, &more));
	show("the same", "%d %d", more.stx_ino == named.st_ino, more.stx_size == (uint64_t)named.st_size);
	CALL("access", access(path, X_OK));
	CALL("faccessat", faccessat(AT_FDCWD, path, X_OK, AT_EACCESS));
	CALL("open for writing", open(path, O_WRONLY | O_NOFOLLOW));
	CALL("openat O_PATH of the link", close(open(path, O_PATH | O_NOFOLLOW)));
	CALL("getxattr", getxattr(path, "user.none", first, 4));
	WORKS("name_to_handle_at", name_to_handle_at(AT_FDCWD, path, &handle.handle, &mount, AT_SYMLINK_FOLLOW));
	close(fd);
}

static void check_exe(void)
{
	char own[64], task[64];

	snprintf(own, sizeof own, "/proc/%d/exe", getpid());
	snprintf(task, sizeof task, "//proc/self/task/%d//exe", getpid());
	const char *const paths[] = { "/proc/self/exe", "/proc/thread-self/exe", own, task };

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		char text[4096];
		ssize_t size = readlink(paths[i], text, sizeof text - 1);

		text[size < 0 ? 0 : size] = '\0';
		show("link", "%s", strrchr(text, '/') != NULL ? strrchr(text, '/') : "none");
		check_file(paths[i]);
	}
	CALL("readlink into one byte", readlink("/proc/self/exe", task, 1));
	CALL("readlink into nothing", readlink("/proc/self/exe", task, 0));
	CALL("readlink into bad memory", readlink("/proc/self/exe", BAD, 9));
	CALL("open of something in it", open("/proc/self/exe/none", O_RDONLY));
}

static long resolve(const char *path, uint64_t how)
{
	struct open_how open_how = { .flags = O_RDONLY, .resolve = how };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &open_how, sizeof open_how);

	return fd < 0 ? fd : close((int)fd);
}

static void check_resolve(void)
{
	CALL("exe, without magic links", resolve("/proc/self/exe", RESOLVE_NO_MAGICLINKS));
	CALL("exe, without links", resolve("/proc/self/exe", RESOLVE_NO_SYMLINKS));
	CALL("exe, beneath", resolve("/proc/self/exe", RESOLVE_BENEATH));
	CALL("exe", resolve("/proc/self/exe", 0));
	CALL("maps, without magic links", resolve("/proc/self/maps", RESOLVE_NO_MAGICLINKS));
	CALL("maps, without links", resolve("/proc/self/maps", RESOLVE_NO_SYMLINKS));
	CALL("maps, beneath", resolve("/proc/self/maps", RESOLVE_BENEATH));
	CALL("maps on this mount", resolve("/proc/self/maps", RESOLVE_NO_XDEV));
}

/* Of maps that were opened just now: what was opened away answers no more at home (docs/LIMITS.md), and the process may
 * have come home in between. */
static int query_maps(void *query)
{
	int result, error, tries = 0;

	do {
		int fd = open("/proc/self/maps", O_RDONLY);

		result = ioctl(fd, 0xc0686611, query);
		error = errno;
		close(fd);
	} while (result < 0 && error == ENOTTY && ++tries < 5);
	errno = error;
	return result;
}

/* PROCMAP_QUERY, Linux 6.11: which mapping an address is in. */
static void check_query(void)
{
	struct {
		uint64_t size, flags, address, start, end, vma_flags, page_size, offset, inode;
		uint32_t major, minor, name_size, id_size;
		uint64_t name, id;
	} query = { .size = sizeof query, .address = (uint64_t)&query };
	int other = make_file("plain", "text");

	CALL("PROCMAP_QUERY", query_maps(&query));
	show("it is there", "%d", query.start <= (uint64_t)&query && (uint64_t)&query < query.end);
	query.size = 8;
	CALL("PROCMAP_QUERY of another size", query_maps(&query));
	CALL("PROCMAP_QUERY in bad memory", query_maps(BAD));
	close(other);
}

/* How many descriptors there are, and whether /proc/self/fd has those and no others. */
static void show_list(const char *name, const char *path)
{
	DIR *list = opendir(path);
	const struct dirent *entry;
	int listed = 0, bad = 0, open_ones = 0;
	char one[300];
	struct rlimit limit;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		listed++;
		bad += fcntl(atoi(entry->d_name), F_GETFD) < 0;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = 0; fd < (int)limit.rlim_cur + 80; fd++) {
		int is_open = fcntl(fd, F_GETFD) >= 0;

		snprintf(one, sizeof one, "%s/%d", path, fd);
		open_ones += is_open;
		bad += (access(one, F_OK) == 0) != is_open;
		if (fd == 2 * DESCRIPTORS && (int)limit.rlim_cur > 4 * DESCRIPTORS) /* none is so high */
			fd = (int)limit.rlim_cur - 80;
	}
	show(name, "%d %d", listed == open_ones, bad);
	if (list != NULL)
		closedir(list);
}

static void spawn_full(const char *path)
{
	char *arguments[] = { (char *)(intptr_t)path, NULL }, *none[] = { NULL };
	int status = -1;
	pid_t pid;

	CALL("posix_spawn", posix_spawn(&pid, path, NULL, NULL, arguments, none));
	CALL("its end", waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1);
}

static void check_descriptors(void)
{
	struct rlimit limit, low;
	int in_use = 0, fd;

	show_list("descriptors", "/proc/self/fd");
	show_list("what is told of them", "/proc/self/fdinfo");
	getrlimit(RLIMIT_NOFILE, &limit);
	low = limit;
	low.rlim_cur = DESCRIPTORS;
	CALL("setrlimit", setrlimit(RLIMIT_NOFILE, &low));
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
	CALL("open with no number left", open("/dev/null", O_RDONLY));
	for (fd = 0; fd < 2 * DESCRIPTORS; fd++)
		in_use += fcntl(fd, F_GETFD) >= 0;
	show("in use", "%d", in_use);
	CALL("dup", dup(0));
	CALL("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	CALL("open of /proc/self/maps", open("/proc/self/maps", O_RDONLY));
	spawn_full("/bin/true");
	CALL("setrlimit back", setrlimit(RLIMIT_NOFILE, &limit));
	CALL("dup then", dup(0) == DESCRIPTORS);
	CALL("close_range", close_range(DESCRIPTORS - 10, ~0u, 0));
	show_list("descriptors then", "/proc/self/fd");
	for (fd = 10; fd < DESCRIPTORS; fd++)
		close(fd);
}

static void run_program(void)
{
	show_link("/proc/self/exe");
	check_exe();
	check_resolve();
	check_query();
	check_descriptors();
	spawn_full("/proc/self/exe");
}

const struct part part_program = { "program", run_program };
