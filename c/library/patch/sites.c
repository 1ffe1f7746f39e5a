/* sites.c - System calls of the program's libraries that need not be trapped.
 *
 * On a node the instruction before `syscall` is overwritten with a jump to a stub of this library (site_entry.S).
 *
 *   mov $n, %eax;  syscall    b8 n n n n  0f 05       ->  e9 r r r r  0f 05
 *   xor %eax, %eax; syscall   31 c0 0f 05 x           ->  e9 r 0f 05 x      to a page of ours, which has the jump
 *   anything else;  syscall   0f 05 x y z             ->  e9 r x y z        the same
 *
 * The first two leave `syscall` itself where it was: calls that are made again, frames that point to it and jumps to
 * it find it there, and it is trapped as ever. The other two change only two bytes: three of the jump's distance are
 * the code that follows, so where the page lies is a matter of luck (for the C library's read(2) 1.1 GiB above), and
 * often something lies there already. The third kind passes all numbers, and makes the calls that are not answered
 * at a `syscall` of ours (lb_site_traps) that is trapped, too.
 *
 * Calls of this node's own go to site_calls.S instead, if their number is known there.
 *
 * Only a trap shows that an instruction begins there, so a site is patched after some traps. A slot belongs to one
 * site for ever: something may be interrupted in its stub, here or on another node. Before an image is written all
 * is as it was; what waits in a stub then makes its call by a `syscall` that is there, as it does at home.
 *
 * Runs in:  the SIGSYS handler and the trigger's; lb_site_call() as the program.
 */
#include "patch/sites.h"

#include <linux/futex.h>
#include <linux/mman.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "home_call/fast_copy.h"
#include "home_call/user_memory.h"
#include "image/mapped.h"
#include "image/maps.h"
#include "patch/answers.h"
#include "process/limits.h"
#include "process/own_memory.h"
#include "process/process.h"
#include "thread/lock.h"
#include "trap/frame.h"
#include "trap/trap.h"

#define PAGE 4096ULL
#define PAGE_OF(address) ((address) & ~(PAGE - 1))
#define JUMP_SIZE 5
#define JUMP 0xe9
#define LANDING_SIZE 14 /* jmp *0(%rip) and the address */
#define TRAPS_BEFORE 4  /* patching costs as much as some twenty traps */
#define SEEN 64
#define LANDINGS 16
#define STACK_ROOM (1ULL << 30) /* below a stack, which may grow */
#define CODE_BEFORE 8           /* bytes that are looked at, up to the site's end and behind it */
#define CODE_SIZE 11
#define ANY_NUMBER UINT32_MAX

/* The kinds, by their bytes up to the end of `syscall`. */
enum kind { ANY = 2, XOR = 4, MOV = 7 };

struct site {
	uint64_t at;      /* the first byte that is patched */
	uint64_t landing; /* of the kinds that need one */
	uint32_t number;
	uint32_t protection;
	enum kind kind;
	bool patched;
	uint8_t original[JUMP_SIZE];
};
_Static_assert(offsetof(struct lb_thread, answering) == LB_THREAD_ANSWERING_AT &&
		offsetof(struct lb_thread, deferred) == LB_THREAD_DEFERRED_AT,
	"as site_entry.S has them");

static struct site sites[LB_SITES];
static uint32_t site_count;
uint64_t lb_site_after[LB_SITES] LB_HIDDEN; /* right behind its `syscall` */

/* Traps of addresses that are not patched, by their lowest bits: one that collides begins anew. */
static struct {
	uint64_t rip;
	uint32_t traps;
} seen[SEEN];

static uint64_t landings[LANDINGS]; /* pages; 0: free */

/* What site_entry.S calls. Returns the result; or the number, to go on at a `syscall`. */
int64_t lb_site_call(uint32_t index, const uint64_t args[6], uint64_t *next, uint64_t rax) LB_HIDDEN;
int64_t lb_site_call(uint32_t index, const uint64_t args[6], uint64_t *next, uint64_t rax)
{
	uint32_t number = sites[index].number == ANY_NUMBER ? (uint32_t)rax : sites[index].number;
	int64_t result = LB_SLOW;
	/* Not busy: it was interrupted before this, and is somewhere else now. */
	if (lb_thread()->answering && lb_self.away && lb_lock_enter()) {
		result = lb_fast_call(number, args);
		lb_lock_leave();
	}
	if (result != LB_SLOW)
		return result;
	if (sites[index].kind == ANY)
		*next = (uint64_t)lb_site_traps + (uint64_t)index * LB_STUB_SIZE;
	else
		*next -= 2;
	return number;
}

uint64_t lb_sites_origin(uint64_t rip)
{
	uint64_t distance = rip - 2 - (uint64_t)lb_site_traps;
	return distance < LB_SITES * LB_STUB_SIZE ? lb_site_after[distance / LB_STUB_SIZE] : rip;
}

/* ---- calls that sites make themselves ---- */

#define BIT(command) (1u << (command))
_Static_assert((uint32_t)FUTEX_CMD_MASK == ~(uint32_t)(FUTEX_PRIVATE_FLAG | LB_FUTEX_REALTIME) &&
		LB_FUTEX_REALTIME == FUTEX_CLOCK_REALTIME,
	"as site_calls.S has them");
_Static_assert(LB_FUTEX_WAITS == (BIT(FUTEX_WAIT) | BIT(FUTEX_WAIT_BITSET)), "as site_calls.S has them");
_Static_assert(LB_FUTEX_WAKES ==
			(BIT(FUTEX_WAKE) | BIT(FUTEX_REQUEUE) | BIT(FUTEX_CMP_REQUEUE) | BIT(FUTEX_WAKE_OP) |
				BIT(FUTEX_WAKE_BITSET)) &&
		LB_FUTEX_LAST == FUTEX_WAKE_BITSET,
	"as site_calls.S has them");

/* Whether that is in site_calls.S: in which slot, and where in it. */
static bool is_direct(uint64_t rip, uint64_t *index, uint64_t *at)
{
	uint64_t distance = rip - (uint64_t)lb_site_direct;
	*index = distance / LB_DIRECT_SIZE;
	*at = (uint64_t)lb_site_direct + distance % LB_DIRECT_SIZE;
	return *index < LB_SITES;
}

bool lb_sites_is_after(const struct ucontext *context, uint32_t *number)
{
	uint64_t index, at;
	if (!is_direct(context->uc_mcontext.rip, &index, &at) || at != (uint64_t)lb_site_direct_after)
		return false;
	*number = __NR_futex; /* sched_yield(2) does not wait */
	return true;
}

void lb_sites_leave(struct ucontext *context)
{
	struct sigcontext *registers = &context->uc_mcontext;
	uint64_t index, at;
	if (is_direct(registers->rip, &index, &at))
		registers->rip = at == (uint64_t)lb_site_direct_after ? lb_site_after[index] : sites[index].at;
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
		/* Of files those that take the place of the program's (mapped.c). */
		bool own = !mapping->file || (!mapping->shared && lb_mapped_fd(mapping) >= 0);
		if (own && !mapping->skip && !mapping->device)
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

/* ---- writing code where other threads run ----
 *
 * What lies in one word of memory is changed at once: a processor runs the old code or the new. What does not is made a
 * jump to itself first, by two bytes, where a thread waits until the rest has come; between the steps no processor may
 * have half of an instruction fetched already. */

#define STEP_BLOCK 16 /* bytes that every x86-64 fetches at once, aligned */
#define JUMP_TO_ITSELF 0xfeeb

static uint8_t flushed_page[PAGE] LB_SCRATCH __attribute__((aligned(4096)));

/* The kernel interrupts the other processors that run this process, to let them forget a page. */
static void interrupt_others(void)
{
	*(volatile uint8_t *)flushed_page = 1;
	lb_syscall3(__NR_madvise, flushed_page, PAGE, MADV_DONTNEED);
}

static void put_two(uint64_t at, uint16_t value)
{
	__asm__ volatile("xchgw %0, (%1)" : "+r"(value) : "r"(at) : "memory"); /* at once, also where not aligned */
}

static void put_word(uint64_t at, const void *code, size_t size)
{
	uint64_t *place = (uint64_t *)(at & ~(sizeof *place - 1));
	uint64_t word = *place;
	memcpy((uint8_t *)&word + at % sizeof word, code, size);
	__atomic_store_n(place, word, __ATOMIC_SEQ_CST);
}

/* Code of the program, or a landing, where nothing runs yet. */
static void put_code(uint64_t at, const uint8_t *code, size_t size)
{
	uint16_t first;
	memcpy(&first, code, sizeof first);
	if (!lb_is_threaded || size > JUMP_SIZE) {
		memcpy((void *)at, code, size);
	} else if (at % sizeof(uint64_t) + size <= sizeof(uint64_t)) {
		put_word(at, code, size);
	} else if (size == sizeof first) {
		put_two(at, first);
	} else {
		put_two(at, JUMP_TO_ITSELF);
		interrupt_others();
		memcpy((void *)(at + sizeof first), code + sizeof first, size - sizeof first);
		interrupt_others();
		put_two(at, first);
	}
}

/* Whether threads may run there while it is changed. */
static bool may_change(uint64_t at)
{
	return !lb_is_threaded || at % STEP_BLOCK + 2 <= STEP_BLOCK;
}

/* Writes code into one page. It stays executable meanwhile: should the last step fail, the program goes on. */
static bool write_code(uint64_t at, const void *code, size_t size, uint32_t protection)
{
	if (lb_syscall3(__NR_mprotect, PAGE_OF(at), PAGE, protection | PROT_WRITE) < 0)
		return false;
	put_code(at, code, size);
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

/* ---- pages to land on ---- */

static bool has_landing(uint64_t page)
{
	for (unsigned i = 0; i < LANDINGS; i++)
		if (landings[i] == page)
			return true;
	return false;
}

/* Notes what the page in this place is now; 0: there is none. */
static void set_landing(unsigned place, uint64_t page)
{
	uint64_t bytes = 0;
	landings[place] = page;
	for (unsigned i = 0; i < LANDINGS; i++)
		bytes += landings[i] ? PAGE : 0;
	lb_own_note(LB_OWN_LANDINGS, bytes);
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
	if (free == LANDINGS || !ask(page, &question) || (page >= lb_self.hole_start && page < lb_self.hole_end))
		return false;
	if (question.above_grows && question.above - page < STACK_ROOM)
		return false;
	lb_limits_follow(PAGE);
	int64_t at = lb_syscall6(
		__NR_mmap, page, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (at != (int64_t)page) {
		lb_limits_follow(0);
		return false;
	}
	set_landing(free, page);
	return true;
}

static bool is_empty(uint64_t at)
{
	static const uint8_t nothing[LANDING_SIZE];
	return memcmp((const void *)at, nothing, sizeof nothing) == 0;
}

/* A place for a jump to `target` that the code at `site` can reach: `behind` are the upper three bytes of the
 * distance, the lowest is free. 0: none. */
static uint64_t place_landing(uint64_t site, const uint8_t *behind, uint64_t target)
{
	uint8_t code[LANDING_SIZE] = { 0xff, 0x25, 0, 0, 0, 0 };
	int32_t distance = 0;
	memcpy(code + LANDING_SIZE - sizeof target, &target, sizeof target);
	memcpy((uint8_t *)&distance + 1, behind, 3);
	for (unsigned low = 0; low < 256; low++) {
		uint64_t at = site + JUMP_SIZE + (uint64_t)(int64_t)distance + low;
		if (PAGE_OF(at) != PAGE_OF(at + LANDING_SIZE - 1))
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
static struct site *slot_of(uint64_t after, enum kind kind, uint32_t number)
{
	for (uint32_t i = 0; i < site_count; i++)
		if (lb_site_after[i] == after && sites[i].kind == kind && sites[i].number == number)
			return &sites[i];
	if (site_count == LB_SITES)
		return 0;
	lb_site_after[site_count] = after;
	sites[site_count].at = after - kind;
	sites[site_count].kind = kind;
	sites[site_count].number = number;
	return &sites[site_count];
}

/* The kinds that the code before `end` may be, `end` being right behind `syscall`. What is before the first two must
 * not make the end of another instruction of them: of another register's, or of an address. */
static bool is_mov(const uint8_t *end, uint32_t number)
{
	uint32_t moved;
	memcpy(&moved, end - 6, sizeof moved);
	return end[-7] == 0xb8 && moved == number && (end[-8] & 0xf1) != 0x41 && end[-8] != 0x8d;
}

static bool is_xor(const uint8_t *end, uint32_t number)
{
	return number == 0 && end[-4] == 0x31 && end[-3] == 0xc0 && (end[-5] & 0xf0) != 0x40;
}

/* Where a site jumps to. */
static uint64_t entry_of(uint64_t index, enum kind kind, uint32_t number)
{
	if (kind == ANY)
		return (uint64_t)lb_site_any_stubs + index * LB_STUB_SIZE;
	if (number == __NR_futex)
		return (uint64_t)lb_site_direct_futex + index * LB_DIRECT_SIZE;
	if (number == __NR_sched_yield)
		return (uint64_t)lb_site_direct_yield + index * LB_DIRECT_SIZE;
	return (uint64_t)lb_site_stubs + index * LB_STUB_SIZE;
}

/* Patches the site as one kind. False: it cannot be done so. */
static bool patch_as(enum kind kind, uint32_t number, uint64_t after, const uint8_t *end)
{
	uint8_t jump[JUMP_SIZE];
	uint64_t at = after - kind;
	struct question question;
	struct site *site = slot_of(after, kind, kind == ANY ? ANY_NUMBER : number);
	if (!site || !may_change(at) || PAGE_OF(at) != PAGE_OF(at + JUMP_SIZE - 1) || !ask(PAGE_OF(at), &question) ||
		(question.protection | PROT_WRITE) != (PROT_READ | PROT_WRITE | PROT_EXEC))
		return false;
	uint64_t stub = entry_of((uint64_t)(site - sites), kind, number);
	if (!make_jump(at, stub, jump)) /* the program's own file is further away: it may look at its code */
		return false;
	site->landing = 0;
	if (kind != MOV) {
		site->landing = place_landing(at, end - kind + 2, stub);
		if (!site->landing || !make_jump(at, site->landing, jump))
			return false;
	}
	memcpy(site->original, end - kind, JUMP_SIZE);
	site->protection = question.protection;
	if (!write_code(at, jump, kind == MOV ? JUMP_SIZE : 2, question.protection))
		return false;
	site->patched = true;
	if (site == &sites[site_count])
		site_count++;
	return true;
}

static bool is_patched(uint64_t after)
{
	for (uint32_t i = 0; i < site_count; i++)
		if (sites[i].patched && lb_site_after[i] == after)
			return true;
	return false;
}

static void patch(uint32_t number, uint64_t after)
{
	uint8_t code[CODE_SIZE];
	const uint8_t *end = code + CODE_BEFORE;
	if (is_patched(after) || lb_user_read(code, after - CODE_BEFORE, sizeof code) < 0 || end[-2] != 0x0f ||
		end[-1] != 0x05)
		return;
	if (is_mov(end, number) && patch_as(MOV, number, after, end))
		return;
	if (is_xor(end, number) && patch_as(XOR, number, after, end))
		return;
	patch_as(ANY, number, after, end);
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
			!write_code(site->at, site->original, site->kind == MOV ? JUMP_SIZE : 2, site->protection))
			continue;
		site->patched = false;
		memset(seen, 0, sizeof seen);
	}
	for (unsigned i = 0; i < LANDINGS; i++) {
		if (!landings[i] || landings[i] >= end || landings[i] + PAGE <= start || is_used(landings[i]))
			continue;
		lb_syscall2(__NR_munmap, landings[i], PAGE);
		set_landing(i, 0);
	}
}

void lb_sites_undo(void)
{
	uint64_t pages[LB_SITES];
	undo_range(0, UINT64_MAX);
	for (uint32_t i = 0; i < site_count; i++)
		pages[i] = PAGE_OF(sites[i].at);
	if (lb_self.away && site_count > 0)
		lb_mapped_settle(pages, site_count);
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
