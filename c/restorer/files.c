/* files.c - files of an image that memory is mapped from. At home they are mapped again, where they are what they were;
 * away each gets a file without a name in its place, into which the blob puts what the image has of it.
 *
 * Linked into the keeper and the shadow; freestanding. What cannot be had is no error: that memory is anonymous then,
 * with the same content.
 */
#include "kernel.h"
#include "files.h"

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <stdbool.h>
#include <stddef.h>

#include "map_lines.h"
#include "memory_child.h"
#include "syscall.h"
#include "text.h"

#define DEVICE(n) (((n) >> 8 & 0xfff) << 32 | ((n) & 0xff) | ((n) >> 12 & 0xfff00)) /* of struct stat: major, minor */

static const struct lb_image_file *next_file(const struct lb_image_file *file)
{
	return (const void *)((const char *)(file + 1) + file->name_size);
}

uint64_t lb_files_bytes(const struct lb_image_header *header, const struct lb_image_segment *segments)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < header->segments; i++)
		bytes += segments[i].file != 0 ? segments[i].end - segments[i].start : 0;
	return bytes;
}

/* ---- away ---- */

/* The same file, open for reading only: a shared mapping of it never becomes writable. */
static int32_t reopen(int32_t fd)
{
	char path[32] = "/proc/self/fd/", digits[12];
	unsigned at = 14, count = 0;
	do
		digits[count++] = (char)('0' + fd % 10);
	while (fd /= 10);
	while (count > 0)
		path[at++] = digits[--count];
	path[at] = 0;
	return (int32_t)lb_syscall4(__NR_openat, AT_FDCWD, path, O_RDONLY, 0);
}

void lb_files_replace(struct lb_restorer_args *args)
{
	const struct lb_image_file *file = args->resume.files;
	int32_t *fds = (int32_t *)args->resume.file_fds;
	for (uint32_t i = 0; i < args->resume.files_count; i++, file = next_file(file)) {
		fds[i] = (int32_t)lb_syscall2(__NR_memfd_create, "lb-file", 0);
		if (fds[i] >= 0 && lb_syscall2(__NR_ftruncate, fds[i], file->size)) {
			lb_syscall1(__NR_close, fds[i]);
			fds[i] = -1;
		}
	}
	for (uint32_t i = 0; i < args->header.segments; i++) {
		int32_t fd = args->segments[i].file != 0 ? fds[args->segments[i].file - 1] : -1;
		args->sources[i].fd = fd >= 0 && args->segments[i].kind == LB_SEGMENT_SHARED ? reopen(fd) : fd;
	}
}

/* ---- at home ---- */

/* What map_all() is to do, in the child. */
static struct lb_restorer_args *asked;

/* A file that is still the one it was, or may be. To open what is no file may do something. */
static int64_t open_file(const struct lb_image_file *file)
{
	const char *name = (const char *)(file + 1);
	struct stat status;
	if (lb_syscall2(__NR_stat, name, &status) || (status.st_mode & LB_S_IFMT) != LB_S_IFREG)
		return -1;
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd < 0 || lb_syscall2(__NR_fstat, fd, &status) || (status.st_mode & LB_S_IFMT) != LB_S_IFREG)
		return -1;
	if (file->by_stat && (status.st_ino != file->inode || DEVICE(status.st_dev) != file->device))
		return -1;
	return fd;
}

static void map_all(void)
{
	const struct lb_image_file *file = asked->resume.files;
	uint64_t at = asked->resume.hole_end;
	for (uint32_t number = 1; number <= asked->resume.files_count; number++, file = next_file(file)) {
		int64_t fd = open_file(file);
		for (uint32_t i = 0; i < asked->header.segments; i++) {
			const struct lb_image_segment *segment = &asked->segments[i];
			uint64_t size = segment->end - segment->start;
			if (segment->file != number)
				continue;
			int flags = segment->kind == LB_SEGMENT_SHARED ? MAP_SHARED : MAP_PRIVATE;
			if (segment->attributes & LB_ATTRIBUTE(NO_RESERVE))
				flags |= MAP_NORESERVE;
			if (fd >= 0 &&
				lb_syscall6(__NR_mmap, at, size, lb_first_protection(segment), flags | MAP_FIXED, fd,
					segment->offset) == (int64_t)at)
				asked->sources[i].made = at;
			at += size;
		}
		if (fd >= 0)
			lb_syscall1(__NR_close, fd);
	}
}

static const char *next_column(const char *at)
{
	while (*at && *at != ' ')
		at++;
	return *at ? at + 1 : at;
}

/* Device and inode as /proc/PID/maps tells them: stat(2) tells others on btrfs and overlayfs. */
static void check_line(const char *line, void *context)
{
	struct lb_restorer_args *args = context;
	const struct lb_image_file *file = args->resume.files;
	uint64_t start = lb_parse_hex(&line);
	if (start < args->resume.hole_end || start >= args->made_end)
		return;
	for (int column = 0; column < 3; column++)
		line = next_column(line);
	uint64_t device = lb_parse_hex(&line) << 32;
	line += *line == ':';
	device |= lb_parse_hex(&line);
	uint64_t inode = 0;
	for (line = next_column(line); *line >= '0' && *line <= '9'; line++)
		inode = inode * 10 + (uint64_t)(*line - '0');
	for (uint32_t i = 0; i < args->header.segments; i++) {
		if (args->sources[i].made != start)
			continue;
		for (uint32_t number = 1; number < args->segments[i].file; number++)
			file = next_file(file);
		if (!file->by_stat && (file->device != device || file->inode != inode))
			args->sources[i].made = 0;
		return;
	}
}

void lb_files_map(struct lb_restorer_args *args, uint64_t stack_top)
{
	if (args->header.files == 0)
		return;
	asked = args;
	lb_memory_child(map_all, stack_top);
	if (lb_each_map_line(check_line, args))
		for (uint32_t i = 0; i < args->header.segments; i++)
			args->sources[i].made = 0;
}
