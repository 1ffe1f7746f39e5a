/* restore.c - the restorer: becomes the process of an image.
 *
 * Runs in:    the restorer blob, copied into the hole. No libc, no TLS, no relocations, the hole's stack.
 * Entered by: lb_enter() through the first byte of the blob, all signals blocked, one thread.
 * In:         rdi = struct lb_restorer_args in the hole.
 * Out:        jumps to header.resume_ip with rsp = header.resume_sp, rdi = &args->resume.
 * Touches:    every mapping outside the hole; PR_SET_MM, FS and GS base.
 * Kernel:     prctl_set_mm_map() in kernel/sys.c, special mappings' mremap in arch/x86/entry/vdso/vma.c, v6.12.
 * Fails by:   FAILED on the stream and exit 1; at home by a return into the shadow, whose memory is as it was.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "kernel.h"
#include "lb_link.h"
#include "lb_restorer.h"
#include "read.h"
#include "socket.h"
#include "syscall.h"

#define TASK_SIZE 0x7ffffffff000ULL /* 47-bit user space, arch/x86/include/asm/page_64_types.h */
#define PAGE 4096ULL
#define PIECE (1ULL << 20)

static void restore(struct lb_restorer_args *args);

/* The blob's first byte. */
void lb_restorer_entry(struct lb_restorer_args *args);
__attribute__((section(".text.entry"), used, noreturn)) void lb_restorer_entry(struct lb_restorer_args *args)
{
	restore(args);
	__builtin_unreachable();
}

static void send_message(int fd, uint32_t type, const void *body, uint32_t size)
{
	struct {
		struct lb_link_header header;
		char body[sizeof(struct lb_link_status)];
	} message;
	message.header.type = type;
	message.header.size = size;
	message.header.seq = 0;
	for (uint32_t i = 0; i < size; i++)
		message.body[i] = ((const char *)body)[i];
	/* One message this small is never sent in part on a fresh socket buffer */
	lb_syscall6(__NR_sendto, fd, &message, (sizeof message.header + size), LB_MSG_NOSIGNAL, 0, 0);
}

/* Unmaps all but what stays, and the hole up to this end. */
static void unmap_others(const struct lb_restorer_args *args, uint64_t hole_end)
{
	for (uint64_t at = 0; at < TASK_SIZE;) {
		struct lb_stays next = { .start = TASK_SIZE, .end = TASK_SIZE };
		if (args->resume.hole_start >= at)
			next = (struct lb_stays){ .start = args->resume.hole_start, .end = hole_end };
		for (uint32_t i = 0; i < args->stay.count; i++)
			if (args->stay.ranges[i].start >= at && args->stay.ranges[i].start < next.start)
				next = args->stay.ranges[i];
		if (next.start > at)
			lb_syscall2(__NR_munmap, at, next.start - at);
		at = next.end;
	}
}

static int64_t set_mm(const struct lb_mm_map *map, const char *comm)
{
	int64_t error = lb_syscall5(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, map, sizeof *map, 0);
	lb_syscall5(__NR_prctl, PR_SET_NAME, comm, 0, 0, 0);
	return error;
}

/* Into lb_enter(), behind its call of the blob: what it has pushed is popped. The stream is somewhere in its middle. */
__attribute__((noreturn)) static void go_back(struct lb_restorer_args *args, int64_t error)
{
	unmap_others(args, args->resume.hole_end);
	for (uint64_t i = 0; i < args->vdso_parts; i++) {
		const struct lb_vdso_part *part = &args->vdso[i];
		lb_syscall5(
			__NR_mremap, part->target, part->size, part->size, MREMAP_MAYMOVE | MREMAP_FIXED, part->start);
	}
	set_mm(&args->stay.map, args->stay.comm);
	if (args->locked_max[1])
		lb_syscall4(__NR_prlimit64, 0, RLIMIT_MEMLOCK, args->locked_max, 0);
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "pop %%r15\n\t"
			 "pop %%r14\n\t"
			 "pop %%r13\n\t"
			 "pop %%r12\n\t"
			 "pop %%rbp\n\t"
			 "pop %%rbx\n\t"
			 "ret"
		:
		: "r"(args->back_sp), "a"(error)
		: "memory");
	__builtin_unreachable();
}

__attribute__((noreturn)) static void fail(struct lb_restorer_args *args, int64_t error)
{
	if (args->resume.at_home)
		go_back(args, error);
	if (args->handshake) {
		struct lb_link_status status = { error, 0 };
		send_message(args->image_fd, LB_LINK_FAILED, &status, sizeof status);
	}
	lb_syscall1(__NR_exit_group, error < 0 && error > -127 ? -error : 1); /* for the keeper to tell */
	__builtin_unreachable();
}

/* A fault point of lib/wire/schema/faults.ts: one number for a guest, one for home. */
static void fault(struct lb_restorer_args *args, uint32_t guest, uint32_t home)
{
	switch (lb_fault_at(&args->fault, args->resume.at_home ? home : guest)) {
	case LB_FAULT_DO_CUT:
		lb_syscall2(__NR_shutdown, args->image_fd, LB_SHUT_RDWR);
		break;
	case LB_FAULT_DO_FAIL:
		fail(args, -LB_E_FAULT);
	default:
		break;
	}
}

/* Leaves nothing but the hole, the node's vdso inside it, and what stays. */
static void clear_address_space(struct lb_restorer_args *args)
{
	for (uint64_t i = 0; i < args->vdso_parts; i++) {
		struct lb_vdso_part *part = &args->vdso[i];
		int64_t at = lb_syscall5(
			__NR_mremap, part->start, part->size, part->size, MREMAP_MAYMOVE | MREMAP_FIXED, part->target);
		if (at != (int64_t)part->target)
			fail(args, -LB_E_MEMORY);
	}
	unmap_others(args, args->made_end);
}

/* ---- what stays: the shadow at home, and memory of the program's that nobody can unmap or change, as it is sealed */

/* What stays at this address or is the next that does; NULL: none. */
static const struct lb_stays *stays_from(const struct lb_restorer_args *args, uint64_t at)
{
	const struct lb_stays *next = NULL;
	for (uint32_t i = 0; i < args->stay.count; i++) {
		const struct lb_stays *range = &args->stay.ranges[i];
		if (range->end > at && (!next || range->start < next->start))
			next = range;
	}
	return next;
}

/* A part of a segment, or of a run. */
struct part {
	uint64_t start, end;
};

/* The next part before `end` that is all in what stays, or all outside; begin with { start, start }. */
static bool next_part(
	const struct lb_restorer_args *args, struct part *part, uint64_t end, const struct lb_stays **stays)
{
	const struct lb_stays *next = stays_from(args, part->end);
	if (part->end >= end)
		return false;
	part->start = part->end;
	part->end = end;
	*stays = NULL;
	if (next && next->start <= part->start) {
		*stays = next;
		part->end = next->end < end ? next->end : end;
	} else if (next && next->start < end) {
		part->end = next->start;
	}
	return true;
}

/* The next part that does not stay. */
static bool next_own(const struct lb_restorer_args *args, struct part *part, uint64_t end)
{
	const struct lb_stays *stays;
	while (next_part(args, part, end, &stays))
		if (!stays)
			return true;
	return false;
}

/* Before its pages come: MADV_HUGEPAGE makes them huge ones. */
static void advise(struct lb_restorer_args *args, const struct part *part, uint32_t attributes)
{
	static const uint8_t advices[] = {
#define ADVICE(name, letters, advice) advice,
		LB_ATTRIBUTE_MAP(ADVICE)
	};
	for (unsigned i = 0; i < sizeof advices; i++) {
		if (!(attributes & 1u << i) || advices[i] == 0)
			continue;
		int64_t error = lb_syscall3(__NR_madvise, part->start, part->end - part->start, advices[i]);
		if (error && !(LB_ATTRIBUTE_HINTS & 1u << i))
			fail(args, error);
	}
}

static int64_t map_part(const struct part *part, const struct lb_image_segment *segment, const struct lb_source *source)
{
	uint64_t size = part->end - part->start, offset = part->start - segment->start;
	uint32_t attributes = segment->attributes, protection = lb_first_protection(segment);
	bool shared = segment->kind == LB_SEGMENT_SHARED;
	long flags = MAP_FIXED_NOREPLACE;

	if (source->made)
		return lb_syscall5(
			__NR_mremap, source->made + offset, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, part->start);
	if (segment->file != 0 && source->fd < 0) { /* its pages are read into place all the same */
		shared = false;
		attributes |= attributes & LB_ATTRIBUTE(ACCOUNTED) ? 0 : LB_ATTRIBUTE(NO_RESERVE);
		protection = PROT_READ | PROT_WRITE;
	}
	flags |= shared ? MAP_SHARED : MAP_PRIVATE;
	flags |= source->fd < 0 ? MAP_ANONYMOUS : 0;
	flags |= attributes & LB_ATTRIBUTE(NO_RESERVE) ? MAP_NORESERVE : 0;
	flags |= segment->kind == LB_SEGMENT_STACK ? MAP_GROWSDOWN : 0;
	return lb_syscall6(__NR_mmap, part->start, size, protection, flags, source->fd,
		source->fd < 0 ? 0 : segment->offset + offset);
}

static void map_segments(struct lb_restorer_args *args)
{
	for (uint32_t i = 0; i < args->header.segments; i++) {
		const struct lb_image_segment *segment = &args->segments[i];
		struct part part = { segment->start, segment->start };
		while (next_own(args, &part, segment->end)) {
			int64_t at = map_part(&part, segment, &args->sources[i]);
			if (at != (int64_t)part.start)
				fail(args, at < 0 && at > -4096 ? at : -LB_E_MEMORY);
			advise(args, &part, segment->attributes);
		}
		if (args->sources[i].fd >= 0 && segment->kind == LB_SEGMENT_SHARED)
			lb_syscall1(__NR_close, args->sources[i].fd); /* its own: open for reading only */
	}
	if (args->made_end > args->resume.hole_end)
		lb_syscall2(__NR_munmap, args->resume.hole_end, (args->made_end - args->resume.hole_end));
}

static int64_t protect(const struct lb_restorer_args *args, const struct lb_image_segment *segment, uint32_t protection)
{
	struct part part = { segment->start, segment->start };
	int64_t error = 0;
	while (!error && next_own(args, &part, segment->end))
		error = lb_syscall3(__NR_mprotect, part.start, part.end - part.start, protection);
	return error;
}

/* The segment that these pages are of, all of them; fails if there is none. */
static uint32_t segment_of(struct lb_restorer_args *args, uint64_t start, uint64_t size)
{
	for (uint32_t i = 0; i < args->header.segments; i++)
		if (start >= args->segments[i].start && start < args->segments[i].end &&
			size <= args->segments[i].end - start)
			return i;
	fail(args, -LB_E_WIRE);
}

/* Makes a segment writable for pages that are put there. */
static void open_segment(struct lb_restorer_args *args, const struct lb_image_run *run, uint64_t size)
{
	const struct lb_image_segment *segment = &args->segments[segment_of(args, run->start, size)];
	if (!(lb_first_protection(segment) & PROT_WRITE))
		protect(args, segment, PROT_READ | PROT_WRITE);
}

static void copy_part(struct lb_restorer_args *args, const struct part *part, uint64_t offset)
{
	uint64_t at = part->start;
	/* All at once costs less than one fault a page; an older kernel says EINVAL. */
	lb_syscall3(__NR_madvise, at, part->end - at, MADV_POPULATE_WRITE);
	while (at < part->end) {
		int64_t got = lb_syscall4(__NR_pread64, args->kept_fd, at, part->end - at, offset);
		if (got == -EINTR)
			continue;
		if (got <= 0)
			fail(args, got == 0 ? -LB_E_WIRE : got);
		at += (uint64_t)got;
		offset += (uint64_t)got;
	}
}

/* Pages that the shadow has kept in a file. They are copied: a mapping of that file would not be the program's
 * anonymous memory, which is zero after MADV_DONTNEED and where mremap(2) lets it grow. */
static void copy_run(struct lb_restorer_args *args, const struct lb_image_run *run)
{
	uint64_t offset, at = run->start, size = run->size & ~LB_IMAGE_RUN_FLAGS;
	int error = lb_read_exactly(args->image_fd, &offset, sizeof offset);
	if (error)
		fail(args, error);
	if (args->kept_fd == 0)
		fail(args, -LB_E_WIRE);
	/* At home the file is mapped: its pages are there. */
	if ((run->size & LB_IMAGE_RUN_FILE) && args->sources[segment_of(args, at, size)].made)
		return;
	open_segment(args, run, size);
	const struct lb_stays *stays;
	for (struct part part = { at, at }; next_part(args, &part, at + size, &stays);)
		if (!stays || stays->writable)
			copy_part(args, &part, offset + part.start - at);
}

/* Linux 6.13. */
static void guard_run(struct lb_restorer_args *args, const struct lb_image_run *run)
{
	uint64_t size = run->size & ~LB_IMAGE_RUN_FLAGS;
	const struct lb_stays *stays = stays_from(args, run->start);
	if (stays && stays->start <= run->start && !stays->writable) /* it is there */
		return;
	open_segment(args, run, size);
	if (lb_syscall3(__NR_madvise, run->start, size, MADV_GUARD_INSTALL) != 0)
		fail(args, -LB_E_GUARDS);
}

/* New pages all at once cost less than one fault each; in pieces, so that the source goes on meanwhile. */
static int read_part(int fd, uint64_t start, uint64_t size)
{
	int error = 0;
	for (uint64_t done = 0, piece; done < size && !error; done += piece) {
		piece = size - done < PIECE ? size - done : PIECE;
		if (piece > PAGE)
			lb_syscall3(__NR_madvise, start + done, piece, MADV_POPULATE_WRITE);
		error = lb_read_exactly(fd, (void *)(start + done), piece);
	}
	return error;
}

static int skip_part(int fd, uint64_t size)
{
	char bytes[PAGE];
	int error = 0;
	for (; size > 0 && !error; size -= sizeof bytes)
		error = lb_read_exactly(fd, bytes, sizeof bytes);
	return error;
}

static int read_pages(struct lb_restorer_args *args, uint64_t start, uint64_t size)
{
	const struct lb_stays *stays;
	int error = 0;
	for (struct part part = { start, start }; !error && next_part(args, &part, start + size, &stays);)
		error = stays && !stays->writable ? skip_part(args->image_fd, part.end - part.start)
						  : read_part(args->image_fd, part.start, part.end - part.start);
	return error;
}

/* Pages of a file: into what takes its place. At home it is mapped, and they are there. */
static void read_file_run(struct lb_restorer_args *args, const struct lb_image_run *run)
{
	char bytes[16384];
	uint64_t left = run->size & ~LB_IMAGE_RUN_FLAGS;
	uint32_t index = segment_of(args, run->start, left);
	const struct lb_source *source = &args->sources[index];
	int32_t fd = args->resume.file_fds[args->segments[index].file - 1];
	uint64_t offset = args->segments[index].offset + run->start - args->segments[index].start;
	while (left > 0) {
		uint64_t piece = left < sizeof bytes ? left : sizeof bytes;
		int64_t error = lb_read_exactly(args->image_fd, bytes, piece);
		if (!error && !source->made) {
			int64_t written = lb_syscall4(__NR_pwrite64, fd, bytes, piece, offset);
			error = written == (int64_t)piece ? 0 : written < 0 ? written : -LB_E_MEMORY;
		}
		if (error)
			fail(args, error);
		left -= piece;
		offset += piece;
	}
}

static bool is_elsewhere(struct lb_restorer_args *args, const struct lb_image_run *run)
{
	const struct lb_source *source;
	if (!(run->size & LB_IMAGE_RUN_FILE))
		return false;
	source = &args->sources[segment_of(args, run->start, run->size & ~LB_IMAGE_RUN_FLAGS)];
	return source->made || source->fd >= 0;
}

static void read_runs(struct lb_restorer_args *args)
{
	for (uint64_t runs = 0;; runs++) {
		struct lb_image_run run;
		int error = lb_read_exactly(args->image_fd, &run, sizeof run);
		if (error)
			fail(args, error);
		if (run.size == 0)
			return;
		if (run.size & LB_IMAGE_RUN_KEPT) {
			copy_run(args, &run);
			continue;
		}
		if (run.size & LB_IMAGE_RUN_GUARD) {
			guard_run(args, &run);
			continue;
		}
		if (runs == 1)
			fault(args, LB_FAULT_GUEST_MEMORY, LB_FAULT_HOME_MEMORY);
		if (is_elsewhere(args, &run)) {
			read_file_run(args, &run);
			continue;
		}
		run.size &= ~LB_IMAGE_RUN_FLAGS;
		open_segment(args, &run, run.size);
		error = read_pages(args, run.start, run.size);
		if (error)
			fail(args, error);
	}
}

static void protect_segments(struct lb_restorer_args *args)
{
	for (uint32_t i = 0; i < args->header.segments; i++) {
		struct lb_image_segment *segment = &args->segments[i];
		if (segment->protection == (PROT_READ | PROT_WRITE))
			continue;
		int64_t error = protect(args, segment, segment->protection);
		if (error)
			fail(args, error);
	}
}

/* At first without touching the pages: an error is that of the limit alone (mlock2(2)). Then for all of them; those
 * that nobody may read are not there, which is no error here. */
static void lock_segments(struct lb_restorer_args *args)
{
	uint64_t *before = args->locked_max;
	lb_syscall4(__NR_prlimit64, 0, RLIMIT_MEMLOCK, 0, before);
	uint64_t limit[2] = { before[1], before[1] }; /* the library gives the program its own */
	lb_syscall4(__NR_prlimit64, 0, RLIMIT_MEMLOCK, limit, 0);
	/* Whether it may at all: the library does it when its own memory is there. */
	if (args->header.of_new_memory & LB_ATTRIBUTE(LOCKED)) {
		if (lb_syscall1(__NR_mlockall, MCL_FUTURE))
			fail(args, -LB_E_LOCKED);
		lb_syscall0(__NR_munlockall);
	}
	for (uint32_t i = 0; i < args->header.segments; i++) {
		struct lb_image_segment *segment = &args->segments[i];
		uint64_t size = segment->end - segment->start;
		if (!(segment->attributes & LB_ATTRIBUTE(LOCKED)) || segment->start == args->header.range_start)
			continue;
		if (lb_syscall3(__NR_mlock2, segment->start, size, MLOCK_ONFAULT))
			fail(args, -LB_E_LOCKED);
		if (!(segment->attributes & LB_ATTRIBUTE(LOCKED_ON_FAULT)))
			lb_syscall2(__NR_mlock, segment->start, size);
	}
}

/* Linux 6.10. What is sealed can only be left by an exec: not before the last moment. */
static void seal_segments(struct lb_restorer_args *args, bool may_fail)
{
	for (uint32_t i = 0; i < args->header.segments; i++) {
		struct lb_image_segment *segment = &args->segments[i];
		uint64_t size = may_fail ? 0 : segment->end - segment->start; /* of nothing: does the kernel know it? */
		if (!(segment->attributes & LB_ATTRIBUTE(SEALED)))
			continue;
		int64_t error = lb_syscall3(__NR_mseal, segment->start, size, 0);
		if (error && may_fail)
			fail(args, error);
	}
}

static void name_memory(struct lb_restorer_args *args)
{
	struct lb_mm_map map;
	map.fields = args->header.mm;
	map.auxv = args->header.auxv;
	map.auxv_size = (uint32_t)(args->header.auxv_words * 8);
	map.exe_fd = ~0u;
	int64_t error = set_mm(&map, args->header.comm);
	if (error)
		fail(args, error);
}

static void handshake(struct lb_restorer_args *args)
{
	struct lb_link_header header;
	struct lb_link_go go;
	int64_t now[2];
	fault(args, LB_FAULT_GUEST_MAPPED, LB_FAULT_HOME_MAPPED);
	send_message(args->image_fd, LB_LINK_MAPPED, 0, 0);
	int error = lb_read_exactly(args->image_fd, &header, sizeof header);
	if (error)
		fail(args, error);
	if (header.type != LB_LINK_GO || header.size != sizeof go)
		fail(args, -LB_E_WIRE);
	error = lb_read_exactly(args->image_fd, &go, sizeof go);
	if (error)
		fail(args, error);
	lb_syscall2(__NR_clock_gettime, CLOCK_MONOTONIC, now);
	args->resume.go_monotonic_ns = go.monotonic_ns;
	args->resume.here_monotonic_ns = (uint64_t)now[0] * 1000000000u + (uint64_t)now[1];
	fault(args, LB_FAULT_GUEST_GO, LB_FAULT_HOME_GO);
}

static void restore(struct lb_restorer_args *args)
{
	fault(args, LB_FAULT_GUEST_TABLE, 0);
	clear_address_space(args);
	map_segments(args);
	read_runs(args);
	if (args->kept_fd != 0)
		lb_syscall1(__NR_close, args->kept_fd);
	protect_segments(args);
	lock_segments(args);
	seal_segments(args, true);
	name_memory(args);
	if (args->handshake)
		handshake(args);
	else
		lb_syscall1(__NR_close, args->image_fd);
	seal_segments(args, false);
	lb_syscall2(__NR_arch_prctl, ARCH_SET_FS, args->header.fs_base);
	lb_syscall2(__NR_arch_prctl, ARCH_SET_GS, args->header.gs_base);
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "jmp *%1"
		:
		: "r"(args->header.resume_sp), "r"(args->header.resume_ip), "D"(&args->resume)
		: "memory");
	__builtin_unreachable();
}
