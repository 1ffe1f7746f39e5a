/* pages.c - Finds the pages of this process that exist.
 *
 * So that an image follows what is used and not what is reserved.
 *
 * PAGEMAP_SCAN (Documentation/admin-guide/mm/pagemap.rst, Linux 6.7) steps over what has no page tables: 16 TiB of
 * reserved addresses cost nothing. Before Linux 6.7 /proc/self/pagemap tells eight bytes of each page, used or not;
 * there a large mapping is looked at only if /proc/self/smaps says that something of it exists.
 *
 * Runs in:  the trigger's or the SIGSYS handler, all signals blocked, while nothing of the program's memory changes.
 */
#include "image/pages.h"

#include <linux/errno.h>
#include <linux/ioctl.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "mem.h"
#include "syscall.h"
#include "text.h"

#include "process/process.h"

#define PAGE 4096ULL
#define IS_FILE (1ULL << 2) /* PAGE_IS_*: <linux/fs.h> */
#define IS_PRESENT (1ULL << 3)
#define IS_SWAPPED (1ULL << 4)
#define IS_ZERO (1ULL << 5)  /* PFNZERO: has only been read */
#define IS_GUARD (1ULL << 8) /* Linux 6.15 */
#define ENTRY_PRESENT (1ULL << 63)
#define ENTRY_SWAPPED (1ULL << 62)
#define ENTRY_FILE (1ULL << 61)
#define REGIONS 256
#define ENTRIES 1024
/* smaps walks the page tables of all mappings: no dearer than the entries of one so large. */
#define DOUBTED_SIZE_MIN (1ULL << 30)
#define SMAPS_LINE_MAX 8192

struct scan_arguments { /* struct pm_scan_arg */
	uint64_t size, flags, start, end, walk_end, regions, regions_count, pages_max;
	uint64_t inverted, all_of, any_of, returned;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct scan_arguments)

struct region { /* struct page_region */
	uint64_t start, end, categories;
};

static int pagemap_fd, mem_fd;
static enum lb_pages_way way;

/* /proc/self/smaps, read once from its beginning on, as mappings are asked for in order. */
static struct {
	int64_t fd;     /* or an error */
	uint64_t start; /* of the mapping that was read last */
	bool exists;    /* something of it */
	size_t used, at;
	char text[SMAPS_LINE_MAX];
} smaps LB_SCRATCH;

int64_t lb_pages_read(void *to, uint64_t at, uint64_t size)
{
	return lb_syscall4(__NR_pread64, mem_fd, to, size, at);
}

static int64_t scan(enum lb_look look, uint64_t *at, uint64_t end, struct region *regions, uint64_t count)
{
	struct scan_arguments scan = { sizeof scan, .start = *at, .end = end, .regions = (uint64_t)regions,
		.regions_count = count };
	scan.inverted = scan.all_of = look == LB_LOOK_OWN ? IS_ZERO | IS_FILE : 0;
	scan.any_of = look == LB_LOOK_OWN ? IS_PRESENT | IS_SWAPPED : IS_GUARD;
	scan.returned = way == LB_PAGES_SCANNED ? IS_GUARD : IS_SWAPPED;
	int64_t got = lb_syscall3(__NR_ioctl, pagemap_fd, PAGEMAP_SCAN, &scan);
	*at = scan.walk_end;
	return got;
}

int lb_pages_begin(enum lb_pages_way best)
{
	struct region region;
	smaps.fd = -1;
	smaps.start = smaps.used = smaps.at = 0;
	pagemap_fd = (int)lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/pagemap", 0, 0);
	mem_fd = (int)lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/mem", 0, 0);
	for (way = best; way < LB_PAGES_ENTRIES; way++) {
		uint64_t at = (uint64_t)&mem_fd & ~(PAGE - 1);
		if (scan(LB_LOOK_OWN, &at, at + PAGE, &region, 1) >= 0)
			break;
	}
	return pagemap_fd < 0 ? pagemap_fd : mem_fd < 0 ? mem_fd : 0;
}

void lb_pages_end(void)
{
	int64_t fds[3] = { pagemap_fd, mem_fd, smaps.fd };
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			lb_syscall1(__NR_close, fds[i]);
}

/* Linux 6.13 has guards, and says only that such a page is swapped. */
static bool is_guard(uint64_t page)
{
	char byte;
	return lb_pages_read(&byte, page, 1) != 1;
}

static int each_swapped(const struct region *region, lb_pages_each_fn *each, void *context)
{
	int result = 0;
	for (uint64_t at = region->start; at < region->end && !result;) {
		struct lb_pages row = { at, at + PAGE, is_guard(at) };
		while (row.end < region->end && is_guard(row.end) == row.guard)
			row.end += PAGE;
		result = each(&row, context);
		at = row.end;
	}
	return result;
}

static int each_scanned(enum lb_look look, uint64_t start, uint64_t end, lb_pages_each_fn *each, void *context)
{
	static struct region regions[REGIONS];
	int result = 0;
	if (way != LB_PAGES_SCANNED && look == LB_LOOK_GUARDS)
		return 0; /* only anonymous memory has them before Linux 6.15 */
	for (uint64_t at = start; at < end && !result;) {
		int64_t count = scan(look, &at, end, regions, REGIONS);
		if (count < 0)
			return (int)count;
		for (int64_t i = 0; i < count && !result; i++) {
			struct lb_pages row = { regions[i].start, regions[i].end, regions[i].categories & IS_GUARD };
			result = regions[i].categories & IS_SWAPPED ? each_swapped(&regions[i], each, context)
								    : each(&row, context);
		}
	}
	return result;
}

/* The next line of smaps, ended by 0; NULL at its end. */
static const char *next_line(void)
{
	size_t end = smaps.at;
	for (;; end++) {
		if (end == smaps.used) {
			memmove(smaps.text, smaps.text + smaps.at, smaps.used - smaps.at);
			end = smaps.used -= smaps.at;
			smaps.at = 0;
			int64_t got = lb_syscall3(__NR_read, smaps.fd, smaps.text + end, sizeof smaps.text - end);
			if (got <= 0)
				return 0;
			smaps.used += (size_t)got;
		}
		if (smaps.text[end] == '\n')
			break;
	}
	const char *line = smaps.text + smaps.at;
	smaps.text[end] = 0;
	smaps.at = end + 1;
	return line;
}

/* "Rss:", "Swap:": a number of KiB. */
static bool says_more_than_zero(const char *line)
{
	while (*line && !(*line >= '0' && *line <= '9'))
		line++;
	return *line > '0';
}

/* Whether something of the mapping that begins here may exist: without a clear answer it is looked at. */
static bool may_exist(uint64_t start)
{
	const char *line;
	if (smaps.fd < 0)
		smaps.fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/smaps", 0, 0);
	while (smaps.start <= start && smaps.fd >= 0 && (line = next_line()) != 0) {
		if (memcmp(line, "Rss:", 4) == 0 || memcmp(line, "Swap:", 5) == 0)
			smaps.exists |= says_more_than_zero(line);
		else if (memcmp(line, "VmFlags:", 8) == 0 && smaps.start == start)
			return smaps.exists;           /* its last line */
		else if (*line < 'A' || *line > 'Z') { /* its first line begins with its address */
			smaps.start = lb_parse_hex(&line);
			smaps.exists = false;
		}
	}
	return true;
}

static int each_entry(uint64_t start, uint64_t end, lb_pages_each_fn *each, void *context)
{
	static uint64_t entries[ENTRIES];
	struct lb_pages row = { 0, 0, false };
	int result = 0;
	for (uint64_t at = start; at < end && !result;) {
		uint64_t pages = (end - at) / PAGE < ENTRIES ? (end - at) / PAGE : ENTRIES;
		int64_t got = lb_syscall4(__NR_pread64, pagemap_fd, entries, pages * 8, at / PAGE * 8);
		if (got < 8)
			return got < 0 ? (int)got : -LB_E_MEMORY;
		for (int64_t i = 0; i < got / 8 && !result; i++, at += PAGE) {
			bool exists = entries[i] & (ENTRY_PRESENT | ENTRY_SWAPPED) && !(entries[i] & ENTRY_FILE);
			if (exists && row.end == at)
				row.end += PAGE;
			else if (exists) {
				result = row.end ? each(&row, context) : 0;
				row = (struct lb_pages){ at, at + PAGE, false };
			}
		}
	}
	return result || !row.end ? result : each(&row, context);
}

int lb_pages_each(enum lb_look look, uint64_t start, uint64_t end, lb_pages_each_fn *each, void *context)
{
	if (way < LB_PAGES_ENTRIES)
		return each_scanned(look, start, end, each, context);
	if (look == LB_LOOK_GUARDS || (end - start >= DOUBTED_SIZE_MIN && !may_exist(start)))
		return 0; /* no such kernel has guards */
	return each_entry(start, end, each, context);
}
