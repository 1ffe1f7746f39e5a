/* mapped.c - the files that the process's memory is mapped from.
 *
 * Away from home each has a file without a name in its place (memfd_create(2)), with what was mapped of it, as long
 * as it was: so the kernel itself sees to what a mapping of a file is. Pages that the program has not written to show
 * what it writes to the file (mapped_writes.c), those behind the file's end give SIGBUS, and the page table tells which
 * pages are the program's own. At home the file is mapped again, by its name, if it is the same one
 * (c/restorer/files.c).
 *
 * Runs in:  the trigger's or the SIGSYS handler, all signals blocked.
 */
#include "image/mapped.h"

#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/mman.h>

#include "mem.h"
#include "syscall.h"
#include "text.h"

#include "image/maps.h"
#include "process/own_memory.h"
#include "process/process.h"

#define PAGE 4096ULL
#define SWEEP_MIN 16u /* files that may be held though nothing is mapped from them any more */
#define NAME_UP(n) (((n) + 7) & ~7u)

/* While a table of mappings is filled: the last one's file. */
static struct {
	uint64_t device, inode;
	uint32_t count;
	uint64_t size;
} noted;

static struct lb_mapped_file *find_local(const struct lb_mapping *mapping)
{
	for (uint32_t i = 0; lb_mapped && i < lb_mapped->count; i++) {
		struct lb_mapped_file *file = &lb_mapped->files[i];
		if (file->local_inode == mapping->inode)
			return file;
	}
	return 0;
}

int lb_mapped_fd(const struct lb_mapping *mapping)
{
	const struct lb_mapped_file *file = lb_self.away && mapping->inode ? find_local(mapping) : 0;
	return file ? file->fd : -1;
}

/* As the kernel marks it: file_path(), proc_pid_maps(5). */
static bool is_deleted(const char *path)
{
	static const char mark[] = " (deleted)";
	size_t size = strlen(path);
	return size >= sizeof mark && memcmp(path + size - (sizeof mark - 1), mark, sizeof mark - 1) == 0;
}

/* The file of home's behind a mapping; false: there is none. */
static bool identify(const struct lb_mapping *mapping, struct lb_image_file *file, const char **name)
{
	const struct lb_mapped_file *known;
	memset(file, 0, sizeof *file);
	if (mapping->inode == 0 || mapping->shared_anonymous || mapping->shared_writable)
		return false;
	if (!lb_self.away) {
		file->device = mapping->device_number;
		file->inode = mapping->inode | (is_deleted(mapping->path) ? LB_INODE_GONE : 0);
		*name = mapping->path;
	} else {
		known = find_local(mapping);
		if (!known)
			return false;
		file->device = known->device;
		file->inode = known->inode;
		file->by_stat = known->by_stat;
		*name = lb_mapped->names + known->name;
	}
	uint32_t size = (uint32_t)strlen(*name) + 1;
	file->name_size = NAME_UP(size);
	return file->name_size <= LB_IMAGE_NAME_SIZE_MAX;
}

void lb_mapped_begin(void)
{
	memset(&noted, 0, sizeof noted);
}

uint32_t lb_mapped_note(const struct lb_mapping *mapping)
{
	struct lb_image_file file;
	const char *name;
	if (!identify(mapping, &file, &name))
		return 0;
	if (noted.count == 0 || file.device != noted.device || file.inode != noted.inode) {
		noted.device = file.device;
		noted.inode = file.inode;
		noted.count++;
		noted.size += sizeof file + file.name_size;
	}
	return noted.count;
}

uint32_t lb_mapped_count(uint64_t *size)
{
	*size = noted.size;
	return noted.count;
}

void lb_mapped_tell(const struct lb_mapping *mapping, struct lb_image_file *file, char *name)
{
	const char *found;
	if (identify(mapping, file, &found)) {
		memset(name, 0, file->name_size);
		lb_text_copy(name, found, file->name_size);
	}
}

void lb_mapped_take(const struct lb_resume_args *args)
{
	const char *at = (const char *)args->files;
	struct lb_mapped *mapped = lb_mapped;
	mapped->count = mapped->names_size = 0;
	mapped->swept = args->files_count;
	for (uint32_t i = 0; i < args->files_count; i++) {
		const struct lb_image_file *file = (const void *)at;
		struct stat status;
		at += sizeof *file;
		if (args->file_fds[i] >= 0 && lb_syscall2(__NR_fstat, args->file_fds[i], &status) == 0) {
			struct lb_mapped_file *known = &mapped->files[mapped->count++];
			*known = (struct lb_mapped_file){ file->device, file->inode, status.st_ino, args->file_fds[i],
				file->by_stat, mapped->names_size, file->name_size };
			memcpy(mapped->names + mapped->names_size, at, file->name_size);
			mapped->names_size += file->name_size;
		}
		at += file->name_size;
	}
}

struct settling {
	const uint64_t *pages;
	uint32_t count;
};

/* Mapped anew: a page that mprotect(2) has made writable once is accounted for ever after. */
static int settle(const struct lb_mapping *mapping, void *context)
{
	static char content[PAGE] LB_SCRATCH;
	const struct settling *settling = context;
	const struct lb_image_segment *segment = &mapping->segment;
	int fd = mapping->shared ? -1 : lb_mapped_fd(mapping);
	for (uint32_t i = 0; i < settling->count && fd >= 0; i++) {
		uint64_t page = settling->pages[i], offset = mapping->offset + page - segment->start;
		if (page >= segment->start && page < segment->end &&
			lb_syscall4(__NR_pread64, fd, content, PAGE, offset) == (int64_t)PAGE &&
			memcmp(content, (const void *)page, PAGE) == 0)
			lb_syscall6(__NR_mmap, page, PAGE, segment->protection, MAP_PRIVATE | MAP_FIXED, fd, offset);
	}
	return 0;
}

void lb_mapped_settle(const uint64_t *pages, uint32_t count)
{
	struct settling settling = { pages, count };
	lb_each_mapping(settle, &settling);
}

struct lb_mapped_file *lb_mapped_find(uint64_t device, uint64_t inode)
{
	for (uint32_t i = 0; lb_mapped && i < lb_mapped->count; i++) {
		struct lb_mapped_file *file = &lb_mapped->files[i];
		if (file->inode == inode && file->device == device)
			return file;
	}
	return 0;
}

static const char *last_part(const char *path)
{
	const char *part = path;
	for (; *path; path++)
		if (*path == '/')
			part = path + 1;
	return part;
}

/* Its last part is enough to doubt which file it was: then none of that name is followed any more. */
void lb_mapped_lost_name(const char *path)
{
	struct lb_mapped *mapped = lb_mapped;
	for (uint32_t i = 0; i < mapped->count; i++)
		if (strcmp(last_part(mapped->names + mapped->files[i].name), last_part(path)) == 0)
			mapped->files[i].inode |= LB_INODE_GONE;
}

bool lb_mapped_has_name(const struct lb_mapped_file *file, const char *name)
{
	return strcmp(lb_mapped->names + file->name, name) == 0;
}

static int note_used(const struct lb_mapping *mapping, void *context)
{
	struct lb_mapped_file *file = mapping->inode != 0 ? find_local(mapping) : 0;
	bool *used = context;
	if (file)
		used[file - lb_mapped->files] = true;
	return 0;
}

void lb_mapped_sweep(void)
{
	static bool used[LB_SEGMENTS_MAX] LB_SCRATCH;
	static char names[LB_IMAGE_NAME_SIZE_MAX] LB_SCRATCH;
	struct lb_mapped *mapped = lb_mapped;
	uint32_t kept = 0, names_size = 0;
	memset(used, 0, sizeof used);
	if (lb_each_mapping(note_used, used))
		return;
	for (uint32_t i = 0; i < mapped->count; i++) {
		struct lb_mapped_file file = mapped->files[i];
		if (!used[i]) {
			lb_syscall1(__NR_close, file.fd);
			continue;
		}
		memcpy(names, mapped->names + file.name, file.name_size); /* they may overlap */
		memcpy(mapped->names + names_size, names, file.name_size);
		file.name = names_size;
		names_size += file.name_size;
		mapped->files[kept++] = file;
	}
	mapped->count = kept;
	mapped->names_size = names_size;
	mapped->swept = kept;
}

struct lb_mapped_file *lb_mapped_add(uint64_t device, uint64_t inode, const char *name)
{
	struct lb_mapped *mapped = lb_mapped;
	uint32_t size = NAME_UP((uint32_t)strlen(name) + 1);
	struct stat status;
	if (mapped->count > 2 * mapped->swept + SWEEP_MIN)
		lb_mapped_sweep();
	if (mapped->count == LB_SEGMENTS_MAX || mapped->names_size + size > sizeof mapped->names)
		return 0;
	int64_t fd = lb_syscall2(__NR_memfd_create, "lb-file", 0);
	if (fd < 0 || lb_syscall2(__NR_fstat, fd, &status))
		return 0;
	struct lb_mapped_file *file = &mapped->files[mapped->count++];
	*file = (struct lb_mapped_file){ device, inode, status.st_ino, (int32_t)fd, 1, mapped->names_size, size };
	memset(mapped->names + file->name, 0, size);
	lb_text_copy(mapped->names + file->name, name, size);
	mapped->names_size += size;
	return file;
}
