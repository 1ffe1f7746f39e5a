/* sites.c - system calls of the program's libraries that need not be trapped: on a node the instruction before
 * `syscall` is overwritten with a jump to a stub of this library (fast_entry.S).
 *
 *   mov $n, %eax;  syscall    b8 n n n n  0f 05       ->  e9 r r r r  0f 05
 *   xor %eax, %eax; syscall   31 c0 0f 05 48          ->  e9 r 0f 05 48   to a page of ours, which has the jump
 *
 * Both leave `syscall` itself where it was: calls that are made again, frames that point to it and jumps to it find
 * it there, and it is trapped as ever. The second kind (read(2)) has only two bytes to change; the other three of
 * its distance are the code that follows, so the page lies 1.1 GiB above.
 *
 * Only a trap shows that an instruction begins there, so a site is patched after some traps. A slot belongs to one
 * site for ever: something may be interrupted in its stub, here or on another node. Before an image is written all
 * is as it was; what waits in a stub then makes its call by the site's own `syscall`, as it does at home.
 *
 * Runs in:  the SIGSYS handler and the trigger's; lb_site_call() as the program.
 */
#include <linux/mman.h>

#include "fast.h"
#include "forward.h"
#include "internal.h"
#include "sites.h"

#define PAGE 4096ULL
#define PAGE_OF(address) ((address) & ~(PAGE - 1))
#define JUMP_SIZE 5
#define JUMP 0xe9
#define TRAPS_BEFORE 4 /* patching costs as much as some twenty traps */
#define SEEN 64
#define LANDINGS 8
#define XOR_DISTANCE 0x48050f00ULL /* the upper bytes of the distance: 0f 05 48 */
#define STACK_ROOM (1ULL << 30)    /* below a stack, which may grow */

struct site {
	uint64_t at; /* the first byte that is patched */
	uint64_t landing; /* of the second kind */
	uint32_t number;
	uint32_t protection;
	bool patched;
	uint8_t original[JUMP_SIZE];
};
static struct site sites[LB_SITES];
static uint32_t site_count;
uint64_t lb_site_after[LB_SITES] LB_HIDDEN; /* right behind its `syscall` */

/* Traps of addresses that are not patched, by their lowest bits: one that collides begins anew. */
static struct {
	uint64_t rip;
	uint32_t traps;
} seen[SEEN];

static uint64_t landings[LANDINGS]; /* pages; 0: free */

/* What fast_entry.S calls. Returns the result; or the number, to go on at the site's own `syscall`. */
int64_t lb_site_call(uint32_t index, const uint64_t args[6], uint64_t *next) LB_HIDDEN;
int64_t lb_site_call(uint32_t index, const uint64_t args[6], uint64_t *next)
{
	uint32_t number = sites[index].number;
	int64_t result = LB_SLOW;
	/* Not busy: it was interrupted before this, and is somewhere else now. */
	if (lb_fast_busy && lb_self.away)
		result = lb_fast_call(number, args);
	if (result != LB_SLOW)
		return result;
	*next -= 2;
	return number;
}

/* ---- memory ---- */

struct question {
	uint64_t page;
	uint32_t protection; /* 0: not what may be patched */
	uint64_t above;      /* where the next mapping begins */
	bool above_grows;
};

static int look_at(const struct lb_mapping *mapping, void *context)
{
	struct question *question = context;
	if (mapping->segment.end <= question->page)
		return 0;
	if (mapping->segment.start <= question->page) {
		/* Away the program's files are anonymous memory: a file is not the program's. */
		if (!mapping->file && !mapping->skip && !mapping->device)
			question->protection = mapping->segment.protection;
		return 0;
	}
	question->above = mapping->segment.start;
	question->above_grows = mapping->segment.kind == LB_SEGMENT_STACK;
	return 1;
}

static bool ask(uint64_t page, struct question *question)
{
	*question = (struct question){ .page = page, .above = UINT64_MAX };
	return lb_each_mapping(look_at, question) >= 0;
}

/* Writes code into one page. It stays executable meanwhile: should the last step fail, the program goes on. */
static bool write_code(uint64_t at, const void *code, size_t size, uint32_t protection)
{
	if (lb_syscall3(__NR_mprotect, PAGE_OF(at), PAGE, protection | PROT_WRITE) < 0)
		return false;
	memcpy((void *)at, code, size);
	lb_syscall3(__NR_mprotect, PAGE_OF(at), PAGE, protection);
	return true;
}

/* A jump from `from` to `to`; false: too far. */
static bool make_jump(uint64_t from, uint64_t to, uint8_t code[JUMP_SIZE])
{
	int64_t distance = (int64_t)(to - from - JUMP_SIZE);
	int32_t near = (int32_t)distance;
	code[0] = JUMP;
	memcpy(code + 1, &near, sizeof near);
	return near == distance;
}

/* ---- pages for the second kind ---- */

static bool has_landing(uint64_t page)
{
	for (unsigned i = 0; i < LANDINGS; i++)
		if (landings[i] == page)
			return true;
	return false;
}

/* Maps the page; it may be there already, for another site. */
static bool map_landing(uint64_t page)
{
	struct question question;
	unsigned free = 0;
	if (has_landing(page))
		return true;
	while (free < LANDINGS && landings[free] != 0)
		free++;
	if (free == LANDINGS || !ask(page, &question))
		return false;
	if (question.above_grows && question.above - page < STACK_ROOM)
		return false;
	int64_t at = lb_syscall6(__NR_mmap, page, PAGE, PROT_READ | PROT_EXEC,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (at != (int64_t)page)
		return false;
	landings[free] = page;
	return true;
}

static bool is_empty(uint64_t at)
{
	static const uint8_t nothing[JUMP_SIZE];
	return memcmp((const void *)at, nothing, sizeof nothing) == 0;
}

/* A place for a jump to `target` that the code at `site` can reach: its distance's lowest byte is free. 0: none. */
static uint64_t place_landing(uint64_t site, uint64_t target)
{
	uint8_t code[JUMP_SIZE];
	for (unsigned low = 0; low < 256; low++) {
		uint64_t at = site + JUMP_SIZE + XOR_DISTANCE + low;
		if (PAGE_OF(at) != PAGE_OF(at + JUMP_SIZE - 1) || !make_jump(at, target, code))
			continue;
		if (!map_landing(PAGE_OF(at))) {
			low |= 0x7f; /* the same page, most likely: not 256 times */
			continue;
		}
		if (is_empty(at))
			return write_code(at, code, sizeof code, PROT_READ | PROT_EXEC) ? at : 0;
	}
	return 0;
}

/* ---- patching ---- */

/* Finds the slot of a site, or makes one. NULL: there is none left. */
static struct site *slot_of(uint64_t at, uint32_t number)
{
	for (uint32_t i = 0; i < site_count; i++)
		if (sites[i].at == at && sites[i].number == number)
			return &sites[i];
	if (site_count == LB_SITES)
		return 0;
	sites[site_count].at = at;
	sites[site_count].number = number;
	return &sites[site_count];
}

/* Whether the five bytes at the site are one of the two kinds, by what is before them, too: they must not be the
 * end of a longer instruction. */
static bool is_known(const uint8_t *code, uint32_t number, uint64_t after, uint64_t *at)
{
	/* code: nine bytes from eight before `after` */
	uint32_t moved;
	memcpy(&moved, code + 2, sizeof moved);
	if (code[1] == 0xb8 && moved == number && code[6] == 0x0f && code[7] == 0x05) {
		/* Behind these it is another register's, or an address. */
		bool other = (code[0] & 0xf1) == 0x41 || code[0] == 0x8d;
		*at = after - 7;
		return !other;
	}
	*at = after - 4;
	return number == 0 && code[4] == 0x31 && code[5] == 0xc0 && code[6] == 0x0f && code[7] == 0x05 &&
	       code[8] == 0x48 && (code[3] & 0xf0) != 0x40;
}

static void patch(uint32_t number, uint64_t after)
{
	uint8_t code[9], jump[JUMP_SIZE];
	struct question question;
	uint64_t at;
	if (lb_user_read(code, after - 8, sizeof code) < 0 || !is_known(code, number, after, &at))
		return;
	struct site *site = slot_of(at, number);
	if (!site || site->patched || PAGE_OF(at) != PAGE_OF(at + JUMP_SIZE - 1))
		return;
	uint64_t stub = (uint64_t)lb_site_stubs + (uint64_t)(site - sites) * LB_STUB_SIZE;
	if (!ask(PAGE_OF(at), &question) || (question.protection | PROT_WRITE) != (PROT_READ | PROT_WRITE | PROT_EXEC))
		return;
	site->landing = 0;
	if (at + 4 == after) {
		site->landing = place_landing(at, stub);
		if (!site->landing || !make_jump(at, site->landing, jump))
			return;
	} else if (!make_jump(at, stub, jump)) {
		return;
	}
	memcpy(site->original, code + (at - (after - 8)), JUMP_SIZE);
	site->protection = question.protection;
	lb_site_after[site - sites] = after;
	if (!write_code(at, jump, sizeof jump, question.protection))
		return;
	site->patched = true;
	if (site == &sites[site_count])
		site_count++;
}

void lb_sites_trapped(uint32_t number, uint64_t rip)
{
	unsigned i = rip / 2 % SEEN;
	if (seen[i].rip != rip) {
		seen[i].rip = rip;
		seen[i].traps = 0;
	}
	if (++seen[i].traps == TRAPS_BEFORE) /* once: what cannot be patched now costs no more */
		patch(number, rip);
}

/* Whether a patched site jumps into this page. */
static bool is_used(uint64_t page)
{
	for (uint32_t i = 0; i < site_count; i++)
		if (sites[i].patched && sites[i].landing && PAGE_OF(sites[i].landing) == page)
			return true;
	return false;
}

/* Gives back the sites in a range, and those that land there. */
static void undo_range(uint64_t start, uint64_t size)
{
	uint64_t end = start + size < start ? UINT64_MAX : start + size;
	start = PAGE_OF(start);
	for (uint32_t i = 0; i < site_count; i++) {
		struct site *site = &sites[i];
		uint64_t landing = site->landing ? PAGE_OF(site->landing) : 0;
		bool concerned = (PAGE_OF(site->at) < end && PAGE_OF(site->at) + PAGE > start) ||
				 (landing && landing < end && landing + PAGE > start);
		if (!concerned || !site->patched ||
		    !write_code(site->at, site->original, JUMP_SIZE, site->protection))
			continue;
		site->patched = false;
		memset(seen, 0, sizeof seen);
	}
	for (unsigned i = 0; i < LANDINGS; i++) {
		if (!landings[i] || landings[i] >= end || landings[i] + PAGE <= start || is_used(landings[i]))
			continue;
		lb_syscall2(__NR_munmap, landings[i], PAGE);
		landings[i] = 0;
	}
}

void lb_sites_undo(void)
{
	undo_range(0, UINT64_MAX);
}

void lb_sites_before_call(uint32_t number, const uint64_t args[6])
{
	switch (number) {
	case __NR_mmap:
		if (args[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE))
			undo_range(args[0], args[1]);
		break;
	case __NR_mremap:
		undo_range(args[0], args[1] > args[2] ? args[1] : args[2]);
		if (args[3] & MREMAP_FIXED)
			undo_range(args[4], args[2]);
		break;
	case __NR_munmap:
	case __NR_mprotect:
	case __NR_pkey_mprotect:
	case __NR_madvise:
		undo_range(args[0], args[1]);
		break;
	default:
		break;
	}
}

uint64_t lb_sites_settled(uint64_t rip)
{
	for (uint32_t i = 0; i < site_count; i++)
		if (sites[i].patched && sites[i].landing == rip)
			return sites[i].at;
	return rip;
}
