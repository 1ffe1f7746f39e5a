/* paths.c - Paths to this process's own files of /proc.
 *
 * The shadow's own descriptors are not there.
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

bool lb_path_exists(const char *path)
{
	return !is_hidden(path);
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
