/* enter.c - Reads an image's header and table, and enters the restorer.
 *
 * It prepares the hole in which the blob runs.
 *
 * Linked into the keeper and into the shadow; freestanding.
 */
#include <stdbool.h>
#include <stddef.h>

#include "files.h"
#include "kernel.h"
#include "lb_restorer.h"
#include "map_lines.h"
#include "mem.h"
#include "read.h"
#include "syscall.h"
#include "text.h"

#define PAGE 4096ULL
#define PAGE_UP(n) (((uint64_t)(n) + PAGE - 1) & ~(PAGE - 1))
#define HOLE_FIRST 0x100000000000ULL /* far from where Linux puts programs, heaps, libraries and stacks */
#define HOLE_STEP 0x001000000000ULL
#define HOLE_END 0x7e0000000000ULL /* libraries and stacks are above */
#define HOLE_TRIES (2 * LB_SEGMENTS_MAX)
#define HOLE_MARGIN (1ULL << 30) /* room for a heap or a stack of the image to grow */
#define HOLE_STACK_SIZE 65536u

extern const char lb_restorer_blob[] __attribute__((visibility("hidden")));
extern const char lb_restorer_blob_end[] __attribute__((visibility("hidden")));

/* Is what the peer (or the file) says usable? Bytes from outside are checked, never trusted. */
static int check_header(const struct lb_image_header *header)
{
	if (header->magic != LB_IMAGE_MAGIC || header->version != LB_IMAGE_VERSION)
		return -LB_E_WIRE;
	if (header->abi_version != LB_ABI_VERSION || header->segments == 0)
		return -LB_E_WIRE;
	if (header->segments > LB_SEGMENTS_MAX)
		return -LB_E_SEGMENTS;
	if (header->auxv_words > LB_AUXV_WORDS || header->files > header->segments ||
		header->files_size > LB_IMAGE_FILES_SIZE_MAX)
		return -LB_E_WIRE;
	return 0;
}

static int check_segments(const struct lb_image_segment *segments, uint32_t count, uint32_t files)
{
	uint64_t end = PAGE;
	for (uint32_t i = 0; i < count; i++) {
		const struct lb_image_segment *s = &segments[i];
		if (s->start < end || s->end <= s->start || ((s->start | s->end) & (PAGE - 1)))
			return -LB_E_WIRE;
		if (s->end > 0x7ffffffff000ULL || s->kind > LB_SEGMENT_SHARED || s->file > files ||
			((s->offset & (PAGE - 1)) && s->file != 0))
			return -LB_E_WIRE;
		end = s->end;
	}
	return 0;
}

static const char *name_of(const struct lb_image_file *file)
{
	return (const char *)(file + 1);
}

static const struct lb_image_file *next_file(const struct lb_image_file *file)
{
	return (const void *)(name_of(file) + file->name_size);
}

static int check_files(const struct lb_image_header *header, const void *files)
{
	uint64_t left = header->files_size;
	const struct lb_image_file *file = files;
	for (uint32_t i = 0; i < header->files; i++, file = next_file(file)) {
		if (left < sizeof *file || file->name_size == 0 || file->name_size % 8 != 0 ||
			file->name_size > LB_IMAGE_NAME_SIZE_MAX || left - sizeof *file < file->name_size ||
			name_of(file)[file->name_size - 1] != 0)
			return -LB_E_WIRE;
		left -= sizeof *file + file->name_size;
	}
	return left == 0 ? 0 : -LB_E_WIRE;
}

/* One line of /proc/self/maps: is it one of the node's vdso mappings? Fills in one part. */
static void note_vdso_line(const char *line, void *context)
{
	struct lb_restorer_args *args = context;
	uint64_t bounds[2] = { 0, 0 };
	int which = 0;
	for (; *line && *line != ' '; line++) {
		if (*line == '-')
			which = 1;
		else
			bounds[which] = bounds[which] * 16 + (uint64_t)(*line <= '9' ? *line - '0' : *line - 'a' + 10);
	}
	while (*line && *line != '[')
		line++;
	bool vdso = memcmp(line, "[vdso]", 6) == 0;
	if (!vdso && memcmp(line, "[vvar", 5) != 0)
		return;
	if (args->vdso_parts == LB_VDSO_PARTS)
		return;
	args->vdso[args->vdso_parts++] = (struct lb_vdso_part){ bounds[0], bounds[1] - bounds[0], 0 };
	if (vdso)
		args->resume.vdso = bounds[0];
}

/* The end of a segment that lies where the hole would, or is to have room to grow there; 0: there is none. */
static uint64_t end_in_the_way(const struct lb_image_segment *segments, uint32_t count, uint64_t start, uint64_t size)
{
	for (uint32_t i = 0; i < count; i++)
		if (segments[i].start < start + size + HOLE_MARGIN && start < segments[i].end + HOLE_MARGIN)
			return segments[i].end;
	return 0;
}

/* Maps the hole where neither this process nor the image has anything: behind what is in the way, at last below where
 * the search began. Reserves `more` bytes behind it. Returns its address or an error. */
static int64_t map_hole(const struct lb_image_segment *segments, uint32_t count, uint64_t size, uint64_t more)
{
	uint64_t start = HOLE_FIRST;
	bool is_low = false;
	for (unsigned i = 0; i < HOLE_TRIES; i++) {
		uint64_t end = end_in_the_way(segments, count, start, size + more);
		int64_t at = end ? 0
				 : lb_syscall6(__NR_mmap, start, (size + more), PROT_NONE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
		if (!end && at == (int64_t)start) {
			int64_t error = lb_syscall3(__NR_mprotect, start, size, PROT_READ | PROT_WRITE);
			return error ? error : at;
		}
		if (at > 0) /* an old kernel took the address as a hint */
			lb_syscall2(__NR_munmap, at, (size + more));
		start = end ? (end + HOLE_MARGIN + PAGE) & ~(PAGE - 1) : start + HOLE_STEP;
		if (start >= (is_low ? HOLE_FIRST : HOLE_END)) {
			if (is_low)
				break;
			is_low = true;
			start = HOLE_STEP;
		}
	}
	return -LB_E_MEMORY;
}

static void fill_resume(
	struct lb_restorer_args *args, const struct lb_enter_request *request, uint64_t hole, uint64_t size)
{
	struct lb_resume_args *resume = &args->resume;
	resume->hole_start = hole;
	resume->hole_end = hole + size;
	resume->stream_fd = request->handshake ? request->image_fd : -1;
	resume->link_fd = request->link_fd;
	resume->keeper_fd = request->keeper_fd;
	resume->state = request->state;
	resume->at_home = request->stay != NULL;
	resume->ticket = args->header.ticket;
	resume->home_pid = args->header.home_pid;
	lb_text_copy(resume->node, request->node ? request->node : "", sizeof resume->node);
	lb_text_copy(
		resume->control_path, request->control_path ? request->control_path : "", sizeof resume->control_path);
}

/* Calls the blob on this stack. It comes back only at home, by args->back_sp (restore.c, go_back()). */
int64_t lb_restorer_call(uint64_t text, uint64_t stack_top, struct lb_restorer_args *args, uint64_t *back_sp)
	__attribute__((visibility("hidden")));
__asm__(".pushsection .text\n"
	".globl lb_restorer_call\n"
	".hidden lb_restorer_call\n"
	".type lb_restorer_call, @function\n"
	"lb_restorer_call:\n"
	"	push %rbx\n"
	"	push %rbp\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	mov %rsp, (%rcx)\n"
	"	mov %rsi, %rsp\n"
	"	mov %rdi, %rax\n"
	"	mov %rdx, %rdi\n"
	"	xor %ebp, %ebp\n"
	"	call *%rax\n"
	"	hlt\n"
	".size lb_restorer_call, . - lb_restorer_call\n"
	".popsection\n");

/* At home: nothing of the image may lie where the shadow does. */
static int check_range(
	const struct lb_image_header *header, const struct lb_image_segment *segments, const struct lb_stay *stay)
{
	const struct lb_stays *range = &stay->ranges[0];
	for (uint32_t i = 0; i < header->segments; i++)
		if (segments[i].start < range->end && segments[i].end > range->start &&
			(segments[i].protection != PROT_NONE || segments[i].start < range->start ||
				segments[i].end > range->end))
			return -LB_E_MEMORY;
	return header->range_start == range->start ? 0 : -LB_E_MEMORY;
}

/* The header and the tables of an image, as they come; its own memory is `size` bytes at *segments. */
static int read_tables(const struct lb_enter_request *request, const struct lb_image_header *header, uint64_t size,
	struct lb_image_segment **segments)
{
	uint64_t segments_size = header->segments * sizeof **segments;
	int64_t scratch = lb_syscall6(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (scratch < 0 && scratch > -4096)
		return (int)scratch;
	*segments = (struct lb_image_segment *)scratch;
	int error = lb_read_exactly(request->image_fd, *segments, segments_size);
	if (!error)
		error = check_segments(*segments, header->segments, header->files);
	if (!error && request->stay)
		error = check_range(header, *segments, request->stay);
	if (!error)
		error = lb_read_exactly(request->image_fd, *segments + header->segments, header->files_size);
	return error ? error : check_files(header, *segments + header->segments);
}

/* Lays out arguments and tables in the hole, which begins with the text. */
static struct lb_restorer_args *lay_out(
	uint64_t at, const struct lb_restorer_args *local, const struct lb_image_segment *segments)
{
	struct lb_restorer_args *args = (struct lb_restorer_args *)at;
	uint32_t count = local->header.segments;
	memcpy(args, local, sizeof *args);
	args->segments = (struct lb_image_segment *)(args + 1);
	args->sources = (struct lb_source *)(args->segments + count);
	struct lb_image_file *files = (struct lb_image_file *)(args->sources + count);
	memcpy(args->segments, segments, count * sizeof *segments);
	memcpy(files, segments + count, args->header.files_size);
	args->resume.files = files;
	args->resume.files_count = args->header.files;
	int32_t *fds = (int32_t *)((char *)files + args->header.files_size);
	args->resume.file_fds = fds;
	for (uint32_t i = 0; i < args->header.files; i++)
		fds[i] = -1;
	for (uint32_t i = 0; i < count; i++)
		args->sources[i] = (struct lb_source){ 0, -1, 0 };
	return args;
}

/* Prepares the hole and calls the blob. */
static int enter_hole(
	const struct lb_enter_request *request, struct lb_restorer_args *local, const struct lb_image_segment *segments)
{
	const struct lb_image_header *header = &local->header;
	int error = lb_each_map_line(note_vdso_line, local);
	if (error)
		return error;
	uint64_t text_size = PAGE_UP(lb_restorer_blob_end - lb_restorer_blob);
	uint64_t args_size = PAGE_UP(sizeof *local + header->files_size + header->files * sizeof(int32_t) +
		header->segments * (sizeof *segments + sizeof(struct lb_source)));
	uint64_t vdso_size = 0;
	if (local->vdso_parts > 0) {
		struct lb_vdso_part *last = &local->vdso[local->vdso_parts - 1];
		vdso_size = last->start + last->size - local->vdso[0].start;
	}
	uint64_t size = text_size + args_size + HOLE_STACK_SIZE + PAGE_UP(vdso_size);
	uint64_t more = request->stay ? lb_files_bytes(header, segments) : 0;
	int64_t hole = map_hole(segments, header->segments, size, more);
	if (hole < 0 && more > 0) { /* no room for the files: their memory becomes anonymous */
		more = 0;
		hole = map_hole(segments, header->segments, size, more);
	}
	if (hole < 0)
		return (int)hole;

	uint64_t vdso_target = (uint64_t)hole + text_size + args_size + HOLE_STACK_SIZE;
	uint64_t vdso_base = local->vdso[0].start;
	for (uint64_t i = 0; i < local->vdso_parts; i++)
		local->vdso[i].target = vdso_target + (local->vdso[i].start - vdso_base);
	if (local->resume.vdso)
		local->resume.vdso = vdso_target + (local->resume.vdso - vdso_base);
	fill_resume(local, request, (uint64_t)hole, size);
	local->made_end = (uint64_t)hole + size + more;
	struct lb_restorer_args *args = lay_out((uint64_t)hole + text_size, local, segments);
	uint64_t stack_top = (uint64_t)args + args_size + HOLE_STACK_SIZE;
	if (!request->stay)
		lb_files_replace(args);
	else if (more > 0)
		lb_files_map(args, stack_top);
	memcpy((void *)hole, lb_restorer_blob, (uint64_t)(lb_restorer_blob_end - lb_restorer_blob));
	error = (int)lb_syscall3(__NR_mprotect, hole, text_size, PROT_READ | PROT_EXEC);
	if (!error)
		error = (int)lb_restorer_call((uint64_t)hole, stack_top, args, &args->back_sp);
	lb_syscall2(__NR_munmap, hole, size + more);
	return error;
}

int lb_enter(const struct lb_enter_request *request, struct lb_image_header *header)
{
	struct lb_image_segment *segments = NULL;
	struct lb_restorer_args local;
	memset(header, 0, sizeof *header);
	memset(&local, 0, sizeof local);
	int error = lb_read_exactly(request->image_fd, header, sizeof *header);
	if (!error)
		error = check_header(header);
	if (error)
		return error;
	uint64_t size = PAGE_UP(header->segments * sizeof *segments + header->files_size);
	local.header = *header;
	local.image_fd = request->image_fd;
	local.handshake = request->handshake;
	local.kept_fd = request->kept_fd;
	local.fault = request->fault;
	if (request->stay)
		local.stay = *request->stay;
	error = read_tables(request, header, size, &segments);
	if (!error)
		error = enter_hole(request, &local, segments);
	if (segments)
		lb_syscall2(__NR_munmap, segments, size);
	return error;
}
