/* test_pages.c - Which pages exist, by each way of asking a kernel.
 * Units: c/library/image/pages.c
 * c/library/image/maps.c c/library/process/self.c c/base/mem.c
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "library/image/pages.h"

#define PAGE 4096ul

#define GUARD_INSTALL 102
#define RESERVED (1ul << 40)

struct rows {
	unsigned count;
	struct lb_pages row[16];
};

static int note(const struct lb_pages *row, void *context)
{
	struct rows *rows = context;
	/* What one look tells in two pieces, another tells in one. */
	struct lb_pages *last = rows->count > 0 ? &rows->row[(rows->count - 1) % 16] : NULL;
	if (last && last->end == row->start && last->guard == row->guard)
		last->end = row->end;
	else
		rows->row[rows->count++ % 16] = *row;
	return 0;
}

static int stop(const struct lb_pages *row, void *context)
{
	(void)row;
	++*(int *)context;
	return 7;
}

static struct rows look(enum lb_pages_way way, const char *memory, size_t size)
{
	struct rows rows = { 0 };
	CHECK(lb_pages_begin(way) == 0);
	CHECK(lb_pages_each(LB_LOOK_OWN, (uint64_t)memory, (uint64_t)memory + size, note, &rows) == 0);
	lb_pages_end();
	return rows;
}

static bool is_row(const struct rows *rows, unsigned index, const char *start, size_t pages, bool guard)
{
	const struct lb_pages *row = &rows->row[index];
	return index < rows->count && row->start == (uint64_t)start && row->end == row->start + pages * PAGE &&
		row->guard == guard;
}

static char *map(size_t size, int protection)
{
	char *memory = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(memory != MAP_FAILED);
	madvise(memory, size, MADV_NOHUGEPAGE);
	return memory;
}

static void test_anonymous(void)
{
	char *memory = map(64 * PAGE, PROT_READ | PROT_WRITE);
	memset(memory + 3 * PAGE, 'x', 2 * PAGE);
	memset(memory + 10 * PAGE, 'x', PAGE);
	mprotect(memory + 10 * PAGE, PAGE, PROT_NONE);
	memory[63 * PAGE] = 'x';
	CHECK(memory[20 * PAGE] == 0);
	for (int way = LB_PAGES_SCANNED; way <= LB_PAGES_ENTRIES; way++) {
		struct rows rows = look(way, memory, 64 * PAGE);
		CHECK(is_row(&rows, 0, memory + 3 * PAGE, 2, false));
		CHECK(is_row(&rows, 1, memory + 10 * PAGE, 1, false));
		/* Before 6.7 a page that has only been read cannot be told from one that has been written. */
		unsigned last = way == LB_PAGES_ENTRIES ? 3 : 2;
		CHECK(rows.count == last + 1 && is_row(&rows, last, memory + 63 * PAGE, 1, false));
	}
	munmap(memory, 64 * PAGE);
}

static void test_nothing_is_looked_at_where_nothing_exists(void)
{
	char *memory = map(RESERVED, PROT_READ | PROT_WRITE);
	for (int way = LB_PAGES_SCANNED; way <= LB_PAGES_ENTRIES; way++)
		CHECK(look(way, memory, RESERVED).count == 0); /* eight bytes of each page would take seconds */
	memory[5 * PAGE] = 'x';
	CHECK(look(LB_PAGES_SCANNED, memory, RESERVED).count == 1);
	mprotect(memory + (2ul << 30), RESERVED - (2ul << 30), PROT_READ);
	struct rows rows = look(LB_PAGES_ENTRIES, memory, 2ul << 30);
	CHECK(rows.count == 1 && is_row(&rows, 0, memory + 5 * PAGE, 1, false));
	munmap(memory, RESERVED);
}

static void test_file(void)
{
	int fd = memfd_create("test", 0);
	CHECK(ftruncate(fd, 16 * PAGE) == 0);
	char *memory = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(memory[2 * PAGE] == 0);
	memory[4 * PAGE] = 'x';
	for (int way = LB_PAGES_SCANNED; way <= LB_PAGES_ENTRIES; way++) {
		struct rows rows = look(way, memory, 16 * PAGE);
		CHECK(rows.count == 1 && is_row(&rows, 0, memory + 4 * PAGE, 1, false));
	}
	munmap(memory, 16 * PAGE);
	close(fd);
}

static void test_guards(void)
{
	char *memory = map(16 * PAGE, PROT_READ | PROT_WRITE);
	memset(memory, 'x', 8 * PAGE);
	if (madvise(memory + 2 * PAGE, 2 * PAGE, GUARD_INSTALL) != 0) {
		puts("skip guard pages: they need Linux 6.13");
		return;
	}
	CHECK(madvise(memory + 12 * PAGE, PAGE, GUARD_INSTALL) == 0);
	for (int way = LB_PAGES_SCANNED; way <= LB_PAGES_SCANNED_BEFORE_6_15; way++) {
		struct rows rows = look(way, memory, 16 * PAGE);
		CHECK(rows.count == 4);
		CHECK(is_row(&rows, 0, memory, 2, false) && is_row(&rows, 1, memory + 2 * PAGE, 2, true));
		CHECK(is_row(&rows, 2, memory + 4 * PAGE, 4, false) && is_row(&rows, 3, memory + 12 * PAGE, 1, true));
	}
	struct rows rows = { 0 };
	CHECK(lb_pages_begin(LB_PAGES_SCANNED) == 0);
	CHECK(lb_pages_each(LB_LOOK_GUARDS, (uint64_t)memory, (uint64_t)memory + 16 * PAGE, note, &rows) == 0);
	lb_pages_end();
	CHECK(rows.count == 2 && is_row(&rows, 0, memory + 2 * PAGE, 2, true));
	munmap(memory, 16 * PAGE);
}

static void test_more_rows_than_one_look_tells(void)
{
	char *memory = map(4096 * PAGE, PROT_READ | PROT_WRITE);
	int calls = 0;
	for (size_t i = 0; i < 4096; i += 2)
		memory[i * PAGE] = 'x';
	for (int way = LB_PAGES_SCANNED; way <= LB_PAGES_ENTRIES; way++)
		CHECK(look(way, memory, 4096 * PAGE).count == 2048);
	CHECK(lb_pages_begin(LB_PAGES_SCANNED) == 0);
	CHECK(lb_pages_each(LB_LOOK_OWN, (uint64_t)memory, (uint64_t)memory + 4096 * PAGE, stop, &calls) == 7);
	lb_pages_end();
	CHECK(calls == 1);
	munmap(memory, 4096 * PAGE);
}

int main(void)
{
	run_case("lb_pages_each() tells the pages of anonymous memory that were written to", test_anonymous);
	run_case("lb_pages_each() does not look where nothing exists", test_nothing_is_looked_at_where_nothing_exists);
	run_case("lb_pages_each() tells of a file's mapping what is not the file's", test_file);
	run_case("lb_pages_each() tells guards from pages", test_guards);
	run_case("lb_pages_each() goes on behind the rows that one look tells, and stops when it is told to",
		test_more_rows_than_one_look_tells);
	return 0;
}
