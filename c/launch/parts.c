/* parts.c - Finds the library that was extracted for this node.
 *
 * ffi/artifacts.ts and lib/host/library.ts have put it there: BASE/HASH/NODE/lb-preload.so, beside a link `control`
 * to the node's control socket. Looks as they do, and at nothing that others could have changed.
 */
#include <asm/fcntl.h>
#include <asm/stat.h>

#include "kernel.h"
#include "launch.h"

static bool is_private(const char *directory)
{
	struct stat status;

	return lb_syscall2(__NR_lstat, directory, &status) == 0 && (status.st_mode & LB_S_IFMT) == LB_S_IFDIR &&
		status.st_uid == lb_syscall0(__NR_getuid) && (status.st_mode & 022) == 0;
}

/* An extracted file's modification time comes from its content, s. */
static int64_t stamp_of(const struct lb_front *front)
{
	uint32_t value = 0;

	for (int i = 0; i < 8; i++) {
		char digit = front->hash[i];

		value = value << 4 | (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	return value >> 2;
}

static bool is_intact(const char *path, const struct lb_front *front)
{
	struct stat status;

	return lb_syscall2(__NR_stat, path, &status) == 0 && (status.st_mode & LB_S_IFMT) == LB_S_IFREG &&
		(status.st_mode & 0500) == 0500 && (uint64_t)status.st_size == front->library_size &&
		(int64_t)status.st_mtime == stamp_of(front);
}

static bool leads_to(const char *link, const char *target)
{
	char text[LB_PATH_SIZE];
	int64_t size = lb_syscall3(__NR_readlink, link, text, sizeof text - 1);

	text[size > 0 ? size : 0] = 0;
	return size > 0 && strcmp(text, target) == 0;
}

/* FNV-1a of 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static void add_key(struct lb_text *path, const char *control)
{
	uint64_t hash = 0xcbf29ce484222325;
	char digits[16];

	for (; *control; control++)
		hash = (hash ^ (uint8_t)*control) * 0x100000001b3;
	for (int i = 15; i >= 0; i--, hash >>= 4)
		digits[i] = (char)((hash & 15) < 10 ? '0' + (hash & 15) : 'a' + (hash & 15) - 10);
	lb_text_add_part(path, digits, sizeof digits);
}

/* ld.so splits LD_PRELOAD at colons and blanks, ld.so(8). */
static bool is_plain(const char *path)
{
	for (; *path; path++) {
		if (*path == ':' || *path == ' ' || (*path >= '\t' && *path <= '\r'))
			return false;
	}
	return true;
}

static bool look_in(
	const char *base, const char *below, const struct lb_front *front, const char *control, struct lb_text *path)
{
	size_t directory;

	path->used = 0;
	lb_text_add(path, base);
	lb_text_add(path, below);
	if (path->cut || path->at[0] != '/' || !is_plain(path->at) || !is_private(path->at))
		return false;
	lb_text_add(path, "/");
	lb_text_add_part(path, front->hash, sizeof front->hash);
	if (!is_private(path->at))
		return false;
	lb_text_add(path, "/");
	add_key(path, control);
	directory = path->used;
	lb_text_add(path, "/" LB_NAME_CONTROL_LINK);
	if (path->cut || !leads_to(path->at, control))
		return false;
	path->used = directory;
	lb_text_add(path, "/" LB_NAME_LIBRARY);
	return !path->cut && is_intact(path->at, front);
}

bool lb_find_library(const struct lb_launch *launch, const char *control, struct lb_text *path)
{
	const char *given = lb_variable(launch->environment, LB_VARIABLE_LIBRARY_DIR);
	const char *cache = lb_variable(launch->environment, "XDG_CACHE_HOME");
	const char *home = lb_variable(launch->environment, "HOME");
	const char *runtime = lb_variable(launch->environment, "XDG_RUNTIME_DIR");
	const struct lb_front *front = launch->front;

	if (given && *given)
		return look_in(given, "", front, control, path);
	return (lb_syscall0(__NR_getuid) == 0 && look_in(LB_NAME_SYSTEM_CACHE, "/lb", front, control, path)) ||
		(cache && look_in(cache, "/lb", front, control, path)) ||
		(home && look_in(home, "/.cache/lb", front, control, path)) ||
		(runtime && look_in(runtime, "/lb", front, control, path));
}
