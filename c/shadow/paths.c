/* paths.c - Paths to this process's own files of /proc.
 *
 * The program's file is not the shadow's, and the shadow's own descriptors are not there.
 *
 * /proc/self/exe becomes the descriptor that the shadow holds on the program's file: what is behind that is a link of
 * the same kind, which leads to the file wherever it has gone, and tells when its name stands for another one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "paths.h"
#include "state.h"

#define FCHMODAT2 452 /* newer than some headers: c/include/lb_syscalls.h */

/* Skips slashes and this word. */
static bool skip(const char **at, const char *word)
{
	const char *next = *at;
	size_t size = strlen(word);

	if (*next != '/')
		return false;
	next += strspn(next, "/");
	if (strncmp(next, word, size) != 0 || (next[size] != '/' && next[size] != '\0'))
		return false;
	*at = next + size;
	return true;
}

/* What follows /proc/self, /proc/thread-self, /proc/PID or their task/PID; NULL: another path. */
static const char *own_part(const char *path)
{
	char pid[16];

	snprintf(pid, sizeof pid, "%d", getpid());
	if (!skip(&path, "proc") || !(skip(&path, "self") || skip(&path, "thread-self") || skip(&path, pid)))
		return NULL;
	return skip(&path, "task") && !skip(&path, pid) ? NULL : path;
}

bool lb_path_is_program(const char *path)
{
	const char *part = own_part(path);

	return part != NULL && lb_shadow.state.exe_fd >= 0 && skip(&part, "exe") && *part == '\0';
}

static bool lists_fds(int fd)
{
	char link[32], path[64];
	const char *part;
	ssize_t size;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	size = readlink(link, path, sizeof path - 1);
	path[size < 0 ? 0 : size] = '\0';
	part = own_part(path);
	return part != NULL && (skip(&part, "fd") || skip(&part, "fdinfo")) && *part == '\0';
}

/* /proc/self/fd/N and /proc/self/fdinfo/N of one of our own, and all below. */
static bool is_hidden(const char *path)
{
	const char *part = own_part(path);
	char *end;
	long fd;

	if (part == NULL || !(skip(&part, "fd") || skip(&part, "fdinfo")) || *part != '/')
		return false;
	part += strspn(part, "/");
	fd = strtol(part, &end, 10);
	return end != part && (*end == '\0' || *end == '/') && lb_is_own_fd(fd);
}

const char *lb_path_program(void)
{
	static char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", lb_shadow.state.exe_fd);
	return path;
}

const char *lb_path_program_named(void)
{
	static char path[PATH_MAX];
	struct stat named, held;
	ssize_t size = readlink(lb_path_program(), path, sizeof path - 1);

	path[size < 0 ? 0 : size] = '\0';
	if (stat(path, &named) == 0 && fstat(lb_shadow.state.exe_fd, &held) == 0 && named.st_dev == held.st_dev &&
		named.st_ino == held.st_ino)
		return path;
	return lb_path_program();
}

/* Does the call go where a link at the path's end leads to? readlink(2) is told what the link says: that too. */
static bool follows(const struct lb_link_call *call, const int64_t *arguments)
{
	switch (call->number) {
	case SYS_lstat:
	case SYS_lchown:
	case SYS_lsetxattr:
	case SYS_lgetxattr:
	case SYS_llistxattr:
	case SYS_lremovexattr:
	case SYS_link:
	case SYS_unlink:
	case SYS_unlinkat:
	case SYS_rename:
	case SYS_renameat:
	case SYS_renameat2:
		return false;
	case SYS_open:
		return (arguments[1] & O_NOFOLLOW) == 0;
	case SYS_openat:
		return (arguments[2] & O_NOFOLLOW) == 0;
	case SYS_openat2: /* its third argument begins with the flags: struct open_how */
		return call->kinds[2] != LB_ARG_IN || call->arg_sizes[2] < sizeof(uint64_t) ||
			(*(const uint64_t *)(intptr_t)arguments[2] & O_NOFOLLOW) == 0;
	case SYS_statx:
		return (arguments[2] & AT_SYMLINK_NOFOLLOW) == 0;
	case SYS_inotify_add_watch:
		return (arguments[2] & IN_DONT_FOLLOW) == 0;
	case SYS_newfstatat:
	case SYS_utimensat:
	case SYS_faccessat2:
	case FCHMODAT2:
		return (arguments[3] & AT_SYMLINK_NOFOLLOW) == 0;
	case SYS_fchownat:
		return (arguments[4] & AT_SYMLINK_NOFOLLOW) == 0;
	case SYS_linkat:
	case SYS_name_to_handle_at:
		return (arguments[4] & AT_SYMLINK_FOLLOW) != 0;
	default:
		return true;
	}
}

bool lb_path_make(const struct lb_link_call *call, const int64_t *arguments, int64_t *path)
{
	const char *text = (const char *)(intptr_t)*path;

	if (is_hidden(text))
		return false;
	if (lb_path_is_program(text) && follows(call, arguments))
		*path = (int64_t)(intptr_t)lb_path_program();
	return true;
}

#define NAME_AT 18
#define NAME64_AT 19
#define SIZE_AT 16

static int64_t named(const char *name)
{
	char *end;
	long fd = strtol(name, &end, 10);

	return end == name || *end != '\0' ? -1 : fd;
}

int64_t lb_fds_hide(uint32_t number, int fd, uint8_t *entries, int64_t size)
{
	size_t name_at = number == SYS_getdents64 ? NAME64_AT : NAME_AT;
	int64_t kept = 0;
	int is_list = -1; /* asked at the first number of ours */
	uint16_t length;

	for (int64_t at = 0; at < size; at += length) {
		memcpy(&length, entries + at + SIZE_AT, sizeof length);
		if (lb_is_own_fd(named((char *)entries + at + name_at))) {
			is_list = is_list < 0 ? lists_fds(fd) : is_list;
			if (is_list)
				continue;
		}
		if (kept < at)
			memmove(entries + kept, entries + at, length);
		kept += length;
	}
	return kept;
}
