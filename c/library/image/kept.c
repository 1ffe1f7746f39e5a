/* kept.c - tells which pages are as in the image that the shadow keeps.
 *
 * The shadow keeps a child's image (calls/fork_home.c, c/shadow/birth.c). Pages are compared by a hash of 128 bits.
 *
 * Runs in:  the SIGSYS handler, all signals blocked, while nothing of the program's memory changes. This library's own
 * does, so it is sent as a copy was when its hash was taken; some of it means nothing to the child.
 */
#include "image/kept.h"

#include <linux/elf.h>
#include <linux/mman.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "process/limits.h"
#include "process/own_memory.h"
#include "process/process.h"

#define PAGE 4096ULL
#define PAGES_MAX 65536u /* 256 MiB; further pages are sent each time */
#define LANES 4
/* Odd, with as many ones as zeros: what a product with them keeps, its rotation brings down. */
#define FACTOR_IN 0x9d3b7c516a2f84e5ULL
#define FACTOR_OUT 0xc6a5d1938e4b72d9ULL
#define FACTOR_END 0xe1957b2ad83c46f3ULL

struct entry {
	uint64_t at;
	uint64_t hash[2];
};
/* Mapped by the first fork, as all programs have the library, and some a tight limit. */
static struct entry (*tables)[PAGES_MAX];
#define TABLES_SIZE (2 * sizeof tables[0])
static uint32_t counts[2];
static uint32_t now; /* the table that is being filled; the other is of the last image */
static uint32_t at;  /* in the other one */
static uint64_t image_id;
static uint64_t own_start, own_end;
extern const char scratch_start[] __asm__("__start_lb_scratch") LB_HIDDEN; /* ld(1) defines both */
extern const char scratch_end[] __asm__("__stop_lb_scratch") LB_HIDDEN;

static uint64_t turn(uint64_t value, unsigned by)
{
	return value << by | value >> (64 - by);
}

static uint64_t mix(uint64_t value)
{
	value ^= value >> 32;
	value *= FACTOR_END;
	return value ^ value >> 29;
}

static void hash_page(const uint64_t *words, uint64_t hash[2])
{
	uint64_t lanes[LANES] = { FACTOR_IN, FACTOR_OUT, FACTOR_END, 0 };
	hash[0] = hash[1] = 0;
	for (unsigned i = 0; i < PAGE / sizeof *words; i += LANES)
		for (unsigned lane = 0; lane < LANES; lane++)
			lanes[lane] = turn(lanes[lane] + words[i + lane] * FACTOR_IN, 31) * FACTOR_OUT;
	for (unsigned lane = 0; lane < LANES; lane++) {
		hash[0] = mix(hash[0] ^ lanes[lane]);
		hash[1] = mix(turn(hash[1], 23) + turn(lanes[lane], 17 * lane + 5) + FACTOR_IN);
	}
}

extern const Elf64_Ehdr __ehdr_start LB_HIDDEN;

static void find_own(void)
{
	uint64_t base = (uint64_t)&__ehdr_start;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(base + __ehdr_start.e_phoff);
	own_start = own_end = 0;
	for (unsigned i = 0; i < __ehdr_start.e_phnum; i++)
		if (segments[i].p_type == PT_LOAD && segments[i].p_flags & PF_W) {
			own_start = (base + segments[i].p_vaddr) & ~(PAGE - 1);
			own_end = base + segments[i].p_vaddr + segments[i].p_memsz;
		}
}

static bool have_tables(void)
{
	if (tables)
		return true;
	lb_limits_follow(TABLES_SIZE);
	int64_t mapped =
		lb_syscall6(__NR_mmap, 0, TABLES_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapped < 0) {
		lb_limits_follow(0);
		return false;
	}
	tables = (void *)mapped;
	lb_own_note(LB_OWN_KEPT, TABLES_SIZE);
	return true;
}

void lb_kept_drop(void)
{
	if (tables)
		lb_syscall2(__NR_munmap, tables, TABLES_SIZE);
	tables = 0;
	lb_own_note(LB_OWN_KEPT, 0);
	image_id = 0;
}

static bool inside(uint64_t page, const void *start, uint64_t size)
{
	return start && page >= (uint64_t)start && page + PAGE <= (uint64_t)start + size;
}

bool lb_kept_has(uint64_t page)
{
	return inside(page, tables, TABLES_SIZE);
}

static bool is_scratch(uint64_t page)
{
	return inside(page, scratch_start, (uint64_t)(scratch_end - scratch_start)) || lb_kept_has(page) ||
		lb_areas_have(page);
}

void lb_kept_begin(uint64_t id)
{
	find_own();
	if (!have_tables())
		id = 0; /* then all of it is sent each time */
	if (id == 0 || id != image_id)
		counts[!now] = 0;
	image_id = id;
	counts[now] = 0;
	at = 0;
}

void lb_kept_end(bool whole)
{
	if (whole)
		now = !now;
	else
		image_id = 0;
}

enum lb_page lb_kept(uint64_t page, const char **data)
{
	static char copy[PAGE] LB_SCRATCH __attribute__((aligned(8)));
	*data = (const char *)page;
	if (is_scratch(page))
		return LB_PAGE_EMPTY;
	if (page >= own_start && page < own_end) {
		memcpy(copy, (const void *)page, PAGE);
		*data = copy;
	}
	if (image_id == 0 || counts[now] == PAGES_MAX)
		return LB_PAGE_CHANGED;
	const struct entry *last = tables[!now];
	struct entry *entry = &tables[now][counts[now]++];
	entry->at = page;
	hash_page((const uint64_t *)(const void *)*data, entry->hash);
	while (at < counts[!now] && last[at].at < page)
		at++;
	if (at == counts[!now] || last[at].at != page || last[at].hash[0] != entry->hash[0] ||
		last[at].hash[1] != entry->hash[1])
		return LB_PAGE_CHANGED;
	return LB_PAGE_KEPT;
}
