/* write.c - writes the image of this process straight from its memory.
 *
 * Runs in the trigger's handler on the private stack, all signals blocked. Its working memory is part of the
 * image too: what it leaves there is never read again in the restored process.
 */
#include "image/write.h"

#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/uio.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "fault.h"
#include "load.h"
#include "mem.h"
#include "socket.h"
#include "syscall.h"
#include "text.h"

#include "image/attributes.h"
#include "image/extents.h"
#include "image/kept.h"
#include "image/mapped.h"
#include "image/maps.h"
#include "image/pages.h"
#include "image/shared.h"
#include "process/entries.h"
#include "process/process.h"
#include "thread/thread.h"

#define CPUID_OSXSAVE (1u << 27) /* of leaf 1, ECX: Intel SDM, volume 2, CPUID */
#define PAGE 4096ULL
#define BOUNCE_SIZE 65536u

enum page_kind { ANONYMOUS_PAGES, FILE_PAGES, DEVICE_PAGES };

static struct lb_image_segment table[LB_SEGMENTS_MAX] LB_SCRATCH;
static uint8_t kinds[LB_SEGMENTS_MAX];
static uint32_t table_count;
static struct lb_image_header header;
static char bounce[BOUNCE_SIZE] LB_SCRATCH;
static bool of_child;      /* the image is a new child's: struct lb_image_sink */
static uint64_t run_flags; /* of the run that is being sent: LB_IMAGE_RUN_FILE, or none */

static int sink_write(struct lb_image_sink *sink, struct iovec *parts, unsigned count)
{
	struct lb_msghdr message = { .iov = parts, .iov_count = count };
	while (count > 0) {
		/* Many short runs: whole packets all the same. GO follows, and sends the last one off. */
		int flags = sink->keeps ? LB_MSG_NOSIGNAL | LB_MSG_MORE : LB_MSG_NOSIGNAL;
		int64_t sent = sink->socket ? lb_syscall3(__NR_sendmsg, sink->fd, &message, flags)
					    : lb_syscall3(__NR_writev, sink->fd, parts, count);
		if (sent == -EINTR)
			continue;
		if (sent < 0)
			return sent == -EAGAIN ? -LB_E_PEER_LOST : (int)sent;
		sink->bytes += (uint64_t)sent;
		for (; count > 0 && (uint64_t)sent >= parts->iov_len; parts++, count--)
			sent -= (int64_t)parts->iov_len;
		if (count > 0) {
			parts->iov_base = (char *)parts->iov_base + sent;
			parts->iov_len -= (uint64_t)sent;
		}
		message.iov = parts;
		message.iov_count = count;
	}
	return 0;
}

/* What this mapping will be: a still picture of a vdso is patched there, so it is not sealed. */
static uint32_t attributes_of(const struct lb_mapping *mapping)
{
	uint32_t attributes = mapping->segment.attributes;
	if (mapping->vdso || mapping->device)
		return LB_ATTRIBUTE(NO_RESERVE);
	if (of_child) /* a child inherits no locks: dup_mmap(), mm/mmap.c, Linux 6.18 */
		attributes &= ~(LB_ATTRIBUTE(LOCKED) | LB_ATTRIBUTE(LOCKED_ON_FAULT));
	return attributes;
}

/* At home: moves the range of the shadow behind this mapping, if it is in the way. They come in order. */
static void make_way(const struct lb_image_segment *segment)
{
	while (!lb_self.away && segment->start < lb_self.range_start + LB_RANGE_SIZE &&
		segment->end > lb_self.range_start)
		lb_self.range_start += LB_RANGE_STEP;
}

/* `context`: the probe. */
static int note_mapping(const struct lb_mapping *mapping, void *context)
{
	if (mapping->segment.start == *(uint64_t *)context) {
		header.of_new_memory = mapping->segment.attributes;
		lb_attributes_note_new_memory(header.of_new_memory);
		return 0;
	}
	make_way(&mapping->segment);
	if (mapping->skip)
		return 0;
	/* Away from home a process is alone: its children are at home. */
	bool is_own = mapping->counters || (mapping->shared_anonymous && (lb_self.away || lb_shared_is_alone(mapping)));
	if (mapping->shared_writable && !is_own)
		return -LB_E_SHARED_MEMORY;
	if (mapping->segment.attributes & LB_ATTRIBUTE_REFUSED)
		return -LB_E_MEMORY_KIND;
	if (of_child && (mapping->segment.attributes & LB_ATTRIBUTE(DONTFORK)))
		return 0;
	if (table_count == LB_SEGMENTS_MAX)
		return -LB_E_SEGMENTS;
	table[table_count] = mapping->segment;
	table[table_count].attributes = attributes_of(mapping);
	table[table_count].file = mapping->counters ? 0 : lb_mapped_note(mapping);
	table[table_count].offset = mapping->offset;
	if (is_own || (table[table_count].file != 0 && mapping->shared))
		table[table_count].kind = LB_SEGMENT_SHARED;
	kinds[table_count++] = mapping->device ? DEVICE_PAGES : mapping->file ? FILE_PAGES : ANONYMOUS_PAGES;
	return 0;
}

/* Fields 26 to 28 and 45 to 51 of /proc/self/stat (proc_pid_stat(5)). */
static int read_stat(struct lb_image_mm *mm)
{
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/stat", 0, 0);
	if (fd < 0)
		return (int)fd;
	int64_t got = lb_syscall3(__NR_read, fd, bounce, sizeof bounce - 1);
	lb_syscall1(__NR_close, fd);
	if (got <= 0)
		return -LB_E_UNSUPPORTED;
	bounce[got] = 0;
	const char *at = bounce + got;
	while (at > bounce && *at != ')')
		at--;
	uint64_t fields[64];
	unsigned count = 3; /* the next one, after ") ", is field 3 */
	for (at += 2; *at && count < 60; count++) {
		fields[count] = 0;
		for (; *at && *at != ' '; at++)
			if (*at >= '0' && *at <= '9')
				fields[count] = fields[count] * 10 + (uint64_t)(*at - '0');
		if (*at)
			at++;
	}
	if (count < 52)
		return -LB_E_UNSUPPORTED;
	mm->start_code = fields[26];
	mm->end_code = fields[27];
	mm->start_stack = fields[28];
	mm->start_data = fields[45];
	mm->end_data = fields[46];
	mm->start_brk = fields[47];
	mm->arg_start = fields[48];
	mm->arg_end = fields[49];
	mm->env_start = fields[50];
	mm->env_end = fields[51];
	mm->brk = (uint64_t)lb_syscall1(__NR_brk, 0);
	return 0;
}

static uint64_t read_xcr0(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;
	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (!(ecx & CPUID_OSXSAVE))
		return 0;
	uint32_t low, high;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

/* At home nothing is there: each copy of the process reserves it. */
static int add_range(void)
{
	uint32_t at = table_count;
	if (lb_self.range_start >= LB_RANGE_END)
		return -LB_E_MEMORY;
	if (table_count == LB_SEGMENTS_MAX)
		return -LB_E_SEGMENTS;
	for (; at > 0 && table[at - 1].start > lb_self.range_start; at--) {
		table[at] = table[at - 1];
		kinds[at] = kinds[at - 1];
	}
	table[at] = (struct lb_image_segment){ .start = lb_self.range_start,
		.end = lb_self.range_start + LB_RANGE_SIZE,
		.attributes = LB_ATTRIBUTE(NO_RESERVE) | LB_ATTRIBUTE(DONTDUMP) };
	kinds[at] = ANONYMOUS_PAGES;
	table_count++;
	return 0;
}

/* All mappings, and what the next one would be: mlockall(MCL_FUTURE) is told by nothing else. Memory that is shared is
 * never joined with its neighbour. */
static int fill_table(void)
{
	uint64_t probe = (uint64_t)lb_syscall6(__NR_mmap, 0, PAGE, 0, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	table_count = 0;
	if (!lb_self.away)
		lb_self.range_start = LB_RANGE_FIRST;
	lb_mapped_begin();
	memset(&header, 0, sizeof header);
	if (probe == (uint64_t)-EAGAIN) /* it would be locked, beyond the limit */
		header.of_new_memory = LB_ATTRIBUTE(LOCKED);
	lb_attributes_note_new_memory(header.of_new_memory);
	int error = lb_each_mapping_whole(note_mapping, &probe);
	lb_syscall2(__NR_munmap, probe, PAGE);
	if (!error && !lb_self.away)
		error = add_range();
	header.files = lb_mapped_count(&header.files_size);
	return error ? error : header.files_size > LB_IMAGE_FILES_SIZE_MAX ? -LB_E_SEGMENTS : 0;
}

/* A mapped file may be shorter than its mapping: the pages behind its end cannot be read. Returns the end of
 * what can. */
static uint64_t readable_end(uint64_t start, uint64_t end)
{
	uint64_t low = 0, high = (end - start) / PAGE;
	char byte;
	if (high > 0 && lb_pages_read(&byte, end - PAGE, 1) == 1)
		return end;
	while (low < high) { /* pages [0, low) can be read, page `high` and above cannot */
		uint64_t middle = (low + high) / 2;
		if (lb_pages_read(&byte, start + middle * PAGE, 1) == 1)
			low = middle + 1;
		else
			high = middle;
	}
	return start + low * PAGE;
}

/* The file whose mappings are being passed, until the next one's begin. */
static struct {
	struct lb_image_sink *sink;
	uint32_t at, number; /* in the table; of the file, 0: none yet */
	struct lb_image_file file;
	char name[LB_IMAGE_NAME_SIZE_MAX];
} passing LB_SCRATCH;

static int send_file(void)
{
	struct iovec parts[2] = { { &passing.file, sizeof passing.file }, { passing.name, passing.file.name_size } };
	return passing.number == 0 ? 0 : sink_write(passing.sink, parts, 2);
}

static int pass_file(const struct lb_mapping *mapping, void *context)
{
	int error = 0;
	(void)context;
	while (passing.at < table_count && table[passing.at].start < mapping->segment.start)
		passing.at++;
	const struct lb_image_segment *segment = &table[passing.at];
	if (passing.at == table_count || segment->start != mapping->segment.start || segment->file == 0)
		return 0;
	if (segment->file != passing.number) {
		error = send_file();
		passing.number = segment->file;
		lb_mapped_tell(mapping, &passing.file, passing.name);
	}
	uint64_t size = segment->offset + readable_end(segment->start, segment->end) - segment->start;
	passing.file.size = size > passing.file.size ? size : passing.file.size;
	return error;
}

static int send_files(struct lb_image_sink *sink)
{
	passing.sink = sink;
	passing.at = passing.number = 0;
	int error = header.files == 0 ? 0 : lb_each_mapping(pass_file, 0);
	return error ? error : send_file();
}

static int fill_header(uint64_t ticket)
{
	header.magic = LB_IMAGE_MAGIC;
	header.version = LB_IMAGE_VERSION;
	header.abi_version = LB_ABI_VERSION;
	header.ticket = ticket;
	header.start_ticks = lb_self.start_ticks;
	header.home_pid = lb_self.home_pid;
	header.segments = table_count;
	lb_text_copy(header.home_node, lb_self.home_node, sizeof header.home_node);
	header.xcr0 = read_xcr0();
	for (uint32_t i = 0; i < table_count; i++)
		header.memory_bytes += table[i].end - table[i].start;
	header.memory_bytes -= LB_RANGE_SIZE;
	header.range_start = lb_self.range_start;
	header.resume_ip = (uint64_t)lb_entries.resume;
	header.resume_sp = (uint64_t)bounce + 4096; /* that sets the real one at once */
	header.fs_base = lb_thread()->fs_base;
	header.gs_base = lb_thread()->gs_base;
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/auxv", 0, 0);
	if (fd < 0)
		return (int)fd;
	int64_t got = lb_syscall3(__NR_read, fd, header.auxv, sizeof header.auxv);
	lb_syscall1(__NR_close, fd);
	if (got <= 0)
		return -LB_E_UNSUPPORTED;
	header.auxv_words = (uint64_t)got / 8;
	memcpy(header.comm, lb_thread()->comm, sizeof header.comm);
	const char *name = lb_self.exe;
	for (const char *c = lb_self.exe; *c; c++)
		if (*c == '/')
			name = c + 1;
	lb_text_copy(header.program, name, sizeof header.program);
	return read_stat(&header.mm);
}

/* Pages in a row of which the same is to be said. */
struct row {
	struct lb_image_run run;
	const char *data;
	enum lb_page page;
};

static int send_row(struct lb_image_sink *sink, struct row *row)
{
	struct iovec parts[2] = { { &row->run, sizeof row->run }, { (void *)row->data, row->run.size } };
	int error = 0;
	if (row->run.size == 0)
		return 0;
	row->run.size |= run_flags | (row->page == LB_PAGE_KEPT ? LB_IMAGE_RUN_KEPT : 0);
	if (row->page != LB_PAGE_EMPTY)
		error = sink_write(sink, parts, row->page == LB_PAGE_KEPT ? 1 : 2);
	row->run.size = 0;
	return error;
}

/* As runs of what has changed since the last image and of what has not. */
static int send_changed(struct lb_image_sink *sink, uint64_t start, uint64_t end)
{
	struct row row = { { 0, 0 }, 0, LB_PAGE_EMPTY };
	int error = 0;
	for (uint64_t at = start; at < end && !error; at += PAGE) {
		const char *data;
		enum lb_page page = lb_kept(at, &data);
		if (page != row.page || data != row.data + row.run.size)
			error = send_row(sink, &row);
		if (row.run.size == 0)
			row = (struct row){ { at, 0 }, data, page };
		row.run.size += PAGE;
		if (data != (const char *)at && !error) /* a copy, which the next one overwrites */
			error = send_row(sink, &row);
	}
	return error ? error : send_row(sink, &row);
}

/* Sends [start, end) as one run; another way where the program may not read it itself. */
static int send_run(struct lb_image_sink *sink, uint64_t start, uint64_t end, bool readable)
{
	struct lb_image_run run = { start, (end - start) | run_flags };
	struct iovec parts[2] = { { &run, sizeof run }, { (void *)start, end - start } };
	if (readable && sink->keeps)
		return send_changed(sink, start, end);
	if (readable)
		return sink_write(sink, parts, 2);
	int error = sink_write(sink, parts, 1);
	for (uint64_t at = start; at < end && !error;) {
		uint64_t size = end - at < sizeof bounce ? end - at : sizeof bounce;
		int64_t got = lb_pages_read(bounce, at, size);
		if (got <= 0)
			return got < 0 ? (int)got : -LB_E_MEMORY;
		struct iovec part = { bounce, (uint64_t)got };
		error = sink_write(sink, &part, 1);
		at += (uint64_t)got;
	}
	return error;
}

/* A mapping on its way. */
struct sending {
	struct lb_image_sink *sink;
	bool readable; /* by the program */
	bool has_file; /* whose pages are told apart from the program's own */
	uint64_t at;   /* of its file's data: where the next part begins */
};

static int send_guard(const struct sending *sending, const struct lb_pages *row)
{
	struct lb_image_run run = { row->start, (row->end - row->start) | LB_IMAGE_RUN_GUARD };
	struct iovec part = { &run, sizeof run };
	return sink_write(sending->sink, &part, 1);
}

/* Pages that the process alone has: untouched ones are zero on the other side by themselves. */
static int send_own(const struct lb_pages *row, void *context)
{
	const struct sending *sending = context;
	return row->guard ? send_guard(sending, row) : send_run(sending->sink, row->start, row->end, sending->readable);
}

/* Pages that only a file has. */
static int send_data(const struct sending *sending, uint64_t end)
{
	int error;
	end = end > sending->at ? readable_end(sending->at, end) : end;
	if (end <= sending->at)
		return 0;
	run_flags = sending->has_file ? LB_IMAGE_RUN_FILE : 0;
	error = send_run(sending->sink, sending->at, end, sending->readable);
	run_flags = 0;
	return error;
}

static int send_up_to(const struct lb_pages *row, void *context)
{
	struct sending *sending = context;
	int error = send_data(sending, row->start);
	sending->at = row->end;
	return error ? error : send_own(row, sending);
}

/* A part of a file: of a hole only what the program has written there. */
static int send_stretch(uint64_t start, uint64_t end, bool hole, void *context)
{
	struct sending *sending = context;
	if (hole)
		return lb_pages_each(LB_LOOK_OWN, start, end, send_own, sending);
	sending->at = start;
	int error = lb_pages_each(LB_LOOK_OWN, start, end, send_up_to, sending);
	return error ? error : send_data(sending, end);
}

/* Pages of [vvar]: those that can be read; access(2) takes a path from anywhere and says EFAULT where it cannot. */
static int send_device(struct lb_image_sink *sink, const struct lb_image_segment *segment)
{
	int error = 0;
	for (uint64_t at = segment->start; at < segment->end && !error; at += PAGE)
		if (lb_syscall2(__NR_access, at, 0) != -EFAULT)
			error = send_run(sink, at, at + PAGE, true);
	return error;
}

static int send_segment(struct lb_image_sink *sink, uint32_t index)
{
	const struct lb_image_segment *segment = &table[index];
	struct sending sending = { sink, segment->protection & PROT_READ, segment->file != 0, 0 };
	if (kinds[index] == DEVICE_PAGES)
		return send_device(sink, segment);
	if (of_child && (segment->attributes & LB_ATTRIBUTE(WIPEONFORK)))
		return 0;
	/* The page table does not have all pages of memory that is shared. */
	if (segment->kind == LB_SEGMENT_SHARED && segment->file == 0)
		return send_stretch(segment->start, segment->end, false, &sending);
	if (kinds[index] == FILE_PAGES)
		return lb_stretches_each(segment->start, segment->end, send_stretch, &sending);
	return lb_pages_each(LB_LOOK_OWN, segment->start, segment->end, send_own, &sending);
}

static int send_memory(struct lb_image_sink *sink)
{
	int error = lb_pages_begin(LB_PAGES_SCANNED);
	if (!error)
		error = send_files(sink);
	for (uint32_t i = 0; i < table_count && !error; i++) {
		if (i == table_count / 2) {
			uint32_t action = sink->home ? LB_FAULT_NOTHING : lb_fault(LB_FAULT_SOURCE_MEMORY);
			if (action == LB_FAULT_DO_CUT)
				lb_syscall2(__NR_shutdown, sink->fd, LB_SHUT_RDWR);
			if (action == LB_FAULT_DO_FAIL)
				error = -LB_E_FAULT;
		}
		if (!error)
			error = send_segment(sink, i);
	}
	lb_pages_end();
	struct lb_image_run last = { 0, 0 };
	struct iovec part = { &last, sizeof last };
	return error ? error : sink_write(sink, &part, 1);
}

int lb_image_write(struct lb_image_sink *sink, uint64_t ticket)
{
	of_child = sink->child;
	int error = fill_table();
	if (!error)
		error = fill_header(ticket);
	if (error)
		return error;
	struct iovec parts[2] = { { &header, sizeof header }, { table, table_count * sizeof table[0] } };
	error = sink_write(sink, parts, 2);
	if (!error && !sink->home && lb_fault(LB_FAULT_SOURCE_TABLE) == LB_FAULT_DO_FAIL)
		error = -LB_E_FAULT;
	return error ? error : send_memory(sink);
}
