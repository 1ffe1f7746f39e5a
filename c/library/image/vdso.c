/* vdso.c - The program's vdso after a move.
 *
 * Its bytes travel as ordinary memory, and its functions jump here.
 *
 * The program (libc) has pointers into the vdso it was started with; the node's own lies in the restorer's hole.
 * Each entry point of the old one is overwritten once by a jump to a function below, which calls the node's and
 * corrects what differs between nodes: CLOCK_MONOTONIC and its kin, and the CPU-time clocks.
 */
#include "image/vdso.h"

#include <linux/elf.h>
#include <linux/errno.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "process/cpu_clock.h"
#include "process/process.h"

#define DT_GNU_HASH 0x6ffffef5 /* ld(1); not in linux/elf.h */
#define JUMP_SIZE 12
#define PAGE 4096ULL

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, program_offset, section_offset;
	uint32_t flags;
	uint16_t size, program_size, program_count, section_size, section_count, names;
};
struct elf_program {
	uint32_t type, flags;
	uint64_t offset, address, physical, file_size, memory_size, align;
};
struct elf_symbol {
	uint32_t name;
	uint8_t info, other;
	uint16_t section;
	uint64_t value, size;
};

static struct {
	int64_t (*clock_gettime)(int64_t clock, int64_t *time);
	int64_t (*gettimeofday)(int64_t *time, void *zone);
	int64_t (*time)(int64_t *time);
	int64_t (*clock_getres)(int64_t clock, int64_t *resolution);
	int64_t (*getcpu)(uint32_t *cpu, uint32_t *node, void *unused);
} node;
static bool patched;

/* What stands between the program and the node's vdso. A clock that was read here and corrected on the next node, or
 * a pointer into this node's vdso that is followed there, would be wrong: so these functions are left like the vdso
 * itself before a process moves (trigger.c), and all that they do of their own lies in this section. */
#define HOOK __attribute__((section("lb_hooks"), flatten, noinline))
extern const uint8_t __start_lb_hooks[] LB_HIDDEN, __stop_lb_hooks[] LB_HIDDEN;

bool lb_in_hook(uint64_t rip)
{
	return rip >= (uint64_t)__start_lb_hooks && rip < (uint64_t)__stop_lb_hooks;
}

static void add_ns(int64_t *time, int64_t ns)
{
	ns += time[1];
	time[0] += ns / 1000000000;
	time[1] = ns % 1000000000;
	if (time[1] < 0) {
		time[1] += 1000000000;
		time[0]--;
	}
}

/* Those that the vdso knows and nobody's CPU time is behind. */
static bool is_of_vdso(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
		clock == CLOCK_BOOTTIME || clock == CLOCK_MONOTONIC_COARSE;
}

HOOK static int64_t program_clock_gettime(int64_t clock_argument, int64_t *time)
{
	int clock = (int32_t)clock_argument;
	int local;
	bool cpu = lb_cpu_clock(clock, &local);
	if (clock < 0 && !cpu)
		return -ENOSYS; /* another process's: then it is a call like any other */
	int64_t rv = node.clock_gettime && is_of_vdso(clock) ? node.clock_gettime(clock, time)
							     : lb_syscall2(__NR_clock_gettime, local, time);
	if (rv == 0 && cpu)
		add_ns(time, lb_cpu_clock_elsewhere_ns(clock));
	else if (rv == 0 && clock != CLOCK_REALTIME && is_of_vdso(clock))
		add_ns(time, lb_self.monotonic_offset_ns);
	return rv;
}

HOOK static int64_t program_gettimeofday(int64_t *time, void *zone)
{
	return node.gettimeofday ? node.gettimeofday(time, zone) : lb_syscall2(__NR_gettimeofday, time, zone);
}

HOOK static int64_t program_time(int64_t *time)
{
	return node.time ? node.time(time) : lb_syscall1(__NR_time, time);
}

HOOK static int64_t program_clock_getres(int64_t clock, int64_t *resolution)
{
	int local;
	if (!lb_cpu_clock((int32_t)clock, &local) && (int32_t)clock < 0)
		return -ENOSYS;
	return lb_syscall2(__NR_clock_getres, local, resolution);
}

HOOK static int64_t program_getcpu(uint32_t *cpu, uint32_t *numa_node, void *unused)
{
	return node.getcpu ? node.getcpu(cpu, numa_node, unused) : lb_syscall3(__NR_getcpu, cpu, numa_node, 0);
}

/* A C library that finds no vdso function makes the system call. */
HOOK static int64_t program_none(void)
{
	return -ENOSYS;
}

/* The dynamic symbols of a vdso at `base`; `bias` is base minus its link address. */
struct symbols {
	const struct elf_symbol *table;
	const char *names;
	uint32_t count;
	uint64_t bias;
};

static uint32_t count_gnu_hash(const uint32_t *hash)
{
	uint32_t buckets = hash[0], first = hash[1], bloom = hash[2], last = 0;
	const uint32_t *bucket = hash + 4 + bloom * 2;
	const uint32_t *chain = bucket + buckets;
	for (uint32_t i = 0; i < buckets; i++)
		if (bucket[i] > last)
			last = bucket[i];
	if (last < first)
		return first;
	while (!(chain[last - first] & 1))
		last++;
	return last + 1;
}

static bool read_symbols(uint64_t base, struct symbols *symbols)
{
	const struct elf_header *elf = (const void *)base;
	const struct elf_program *program = (const void *)(base + elf->program_offset);
	const uint64_t *dynamic = 0;
	memset(symbols, 0, sizeof *symbols);
	if (memcmp(elf->ident, "\177ELF", 4) != 0)
		return false;
	for (unsigned i = 0; i < elf->program_count; i++) {
		if (program[i].type == PT_LOAD)
			symbols->bias = base + program[i].offset - program[i].address;
		if (program[i].type == PT_DYNAMIC)
			dynamic = (const void *)(base + program[i].offset);
	}
	for (; dynamic && dynamic[0]; dynamic += 2) {
		uint64_t at = dynamic[1] + symbols->bias;
		if (dynamic[0] == DT_STRTAB)
			symbols->names = (const char *)at;
		else if (dynamic[0] == DT_SYMTAB)
			symbols->table = (const void *)at;
		else if (dynamic[0] == DT_HASH)
			symbols->count = ((const uint32_t *)at)[1];
		else if (dynamic[0] == DT_GNU_HASH && symbols->count == 0)
			symbols->count = count_gnu_hash((const void *)at);
	}
	return symbols->names && symbols->table && symbols->count;
}

static uint64_t find_symbol(const struct symbols *symbols, const char *name)
{
	for (uint32_t i = 0; i < symbols->count; i++)
		if (symbols->table[i].section && strcmp(symbols->names + symbols->table[i].name, name) == 0)
			return symbols->bias + symbols->table[i].value;
	return 0;
}

static void aim(uint64_t base)
{
	struct symbols symbols;
	memset(&node, 0, sizeof node);
	if (!base || !read_symbols(base, &symbols))
		return;
	node.clock_gettime = (void *)find_symbol(&symbols, "__vdso_clock_gettime");
	node.gettimeofday = (void *)find_symbol(&symbols, "__vdso_gettimeofday");
	node.time = (void *)find_symbol(&symbols, "__vdso_time");
	node.clock_getres = (void *)find_symbol(&symbols, "__vdso_clock_getres");
	node.getcpu = (void *)find_symbol(&symbols, "__vdso_getcpu");
}

static void write_jump(uint64_t at, uint64_t target)
{
	/* movabs $target,%rax; jmp *%rax */
	uint8_t code[JUMP_SIZE] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 };
	memcpy(code + 2, &target, sizeof target);
	memcpy((void *)at, code, sizeof code);
}

uint64_t lb_vdso_size(uint64_t base)
{
	const struct elf_header *elf = (const void *)base;
	const struct elf_program *program = (const void *)(base + elf->program_offset);
	uint64_t size = 0;
	for (unsigned i = 0; i < elf->program_count; i++)
		if (program[i].type == PT_LOAD && program[i].offset + program[i].memory_size > size)
			size = program[i].offset + program[i].memory_size;
	return (size + PAGE - 1) & ~(PAGE - 1);
}

static void patch_program(void)
{
	static const struct {
		const char *name;
		void *target;
	} entries[] = {
		{ "__vdso_clock_gettime", program_clock_gettime },
		{ "__vdso_gettimeofday", program_gettimeofday },
		{ "__vdso_time", program_time },
		{ "__vdso_clock_getres", program_clock_getres },
		{ "__vdso_getcpu", program_getcpu },
		{ "__vdso_getrandom", program_none },
	};
	struct symbols symbols;
	uint64_t base = lb_self.program_vdso;
	if (!base || !read_symbols(base, &symbols))
		return;
	uint64_t start = base, size = lb_self.program_vdso_size;
	lb_syscall3(__NR_mprotect, start, size, 7);
	for (unsigned i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		uint64_t at = find_symbol(&symbols, entries[i].name);
		if (at)
			write_jump(at, (uint64_t)entries[i].target);
	}
	lb_syscall3(__NR_mprotect, start, size, 5);
}

void lb_vdso_aim(uint64_t node_vdso)
{
	aim(node_vdso);
	if (patched)
		return;
	patched = true;
	patch_program();
}
