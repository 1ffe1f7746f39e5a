/* load.c - Loads a static program into memory, and enters it.
 *
 * Runs in:  the library in a process that leaves home, and a shadow that was executed; all signals blocked. No libc.
 */
#include "load.h"

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernel.h"
#include "lb_park.h"
#include "mem.h"
#include "syscall.h"

#define PAGE 4096ULL
#define PAGE_DOWN(n) ((uint64_t)(n) & ~(PAGE - 1))
#define PAGE_UP(n) PAGE_DOWN((uint64_t)(n) + PAGE - 1)
#define HEAP_SIZE (1ULL << 20)
#define STACK_SIZE (256ULL << 10)
#define PARKING_SIZE (LB_PARKED_MAX * (uint64_t)LB_PARKING_STACK_SIZE)
#define SEGMENTS_MAX 16
#define ARGUMENTS_MAX 1024u
#define RANDOM_SIZE 16u /* AT_RANDOM, getauxval(3) */
#define LATER "lb_later"

static const uint64_t parking_at = LB_RANGE_SIZE - PARKING_SIZE;
static const uint64_t stack_at = LB_RANGE_SIZE - PARKING_SIZE - STACK_SIZE;

struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segments[SEGMENTS_MAX];
	uint64_t size;     /* of its segments in memory, in whole pages */
	uint64_t later[2]; /* whole pages of LATER: start and end */
	uint64_t code[2];  /* start and end */
	uint64_t data[2];
};

static int read_at(int file, void *to, uint64_t size, uint64_t offset)
{
	int64_t got;
	do
		got = lb_syscall4(__NR_pread64, file, to, size, offset);
	while (got == -EINTR);
	return got == (int64_t)size ? 0 : got < 0 ? (int)got : -ENOEXEC;
}

/* Where memory lies that the program wants to be without at first. */
static int find_later(int file, struct program *program)
{
	const Elf64_Ehdr *header = &program->header;
	Elf64_Shdr names, section;
	char name[sizeof LATER];
	program->later[0] = program->later[1] = program->size;
	int error = read_at(file, &names, sizeof names, header->e_shoff + header->e_shstrndx * sizeof names);
	for (unsigned i = 0; i < header->e_shnum && !error; i++) {
		error = read_at(file, &section, sizeof section, header->e_shoff + i * sizeof section);
		if (error || section.sh_type != SHT_NOBITS ||
			read_at(file, name, sizeof name, names.sh_offset + section.sh_name) ||
			memcmp(name, LATER, sizeof name) != 0)
			continue;
		program->later[0] = PAGE_UP(section.sh_addr);
		program->later[1] = PAGE_DOWN(section.sh_addr + section.sh_size);
	}
	return error;
}

static int read_program(int file, struct program *program)
{
	Elf64_Ehdr *header = &program->header;
	int error = read_at(file, header, sizeof *header, 0);
	if (error)
		return error;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_type != ET_DYN ||
		header->e_phnum > SEGMENTS_MAX || header->e_phentsize != sizeof program->segments[0])
		return -ENOEXEC;
	error = read_at(file, program->segments, header->e_phnum * sizeof program->segments[0], header->e_phoff);
	program->size = 0;
	for (unsigned i = 0; i < header->e_phnum && !error; i++) {
		const Elf64_Phdr *segment = &program->segments[i];
		uint64_t end = segment->p_vaddr + segment->p_memsz;
		if (segment->p_type != PT_LOAD)
			continue;
		if (end < segment->p_vaddr || end > stack_at - HEAP_SIZE || segment->p_filesz > segment->p_memsz)
			return -ENOEXEC;
		program->size = PAGE_UP(end) > program->size ? PAGE_UP(end) : program->size;
		uint64_t *bounds = segment->p_flags & PF_X ? program->code : program->data;
		bounds[0] = segment->p_vaddr;
		bounds[1] = segment->p_vaddr + segment->p_filesz;
	}
	return error ? error : find_later(file, program);
}

/* Memory at this address, where nothing is. What is not locked when it is made stays so when it grows, whatever
 * mlockall(2) wants of what is new; and mprotect(2) changes nothing about that. */
static int make_memory(uint64_t start, uint64_t end)
{
	if (start == end)
		return 0;
	int64_t at = lb_syscall6(__NR_mmap, start, PAGE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (at >= 0 && at != (int64_t)start) { /* an old kernel took the address as a hint */
		lb_syscall2(__NR_munmap, at, PAGE);
		at = -EEXIST;
	}
	if (at < 0)
		return (int)at;
	lb_syscall2(__NR_munlock, start, PAGE);
	if (end - start > PAGE)
		at = lb_syscall4(__NR_mremap, start, PAGE, end - start, 0);
	if (at != (int64_t)start)
		return (int)at;
	return (int)lb_syscall3(__NR_mprotect, start, end - start, PROT_READ | PROT_WRITE);
}

static int make_segments(const struct lb_load *load, const struct program *program)
{
	int error = make_memory(load->start, load->start + program->later[0]);
	if (!error)
		error = make_memory(load->start + program->later[1], load->start + program->size);
	for (unsigned i = 0; i < program->header.e_phnum && !error; i++) {
		const Elf64_Phdr *segment = &program->segments[i];
		uint64_t at = load->start + segment->p_vaddr;
		if (segment->p_type != PT_LOAD)
			continue;
		error = read_at(load->file, (void *)at, segment->p_filesz, segment->p_offset);
		int protection = (segment->p_flags & PF_R ? PROT_READ : 0) |
			(segment->p_flags & PF_W ? PROT_WRITE : 0) | (segment->p_flags & PF_X ? PROT_EXEC : 0);
		if (!error && !(segment->p_flags & PF_W))
			error = (int)lb_syscall3(__NR_mprotect, PAGE_DOWN(at),
				PAGE_UP(at + segment->p_memsz) - PAGE_DOWN(at), protection);
	}
	return error;
}

/* ---- the stack: what execve(2) puts there, from below: argc, arguments, NULL, NULL, auxiliary vector, and behind it
 * what that points to ---- */

static uint64_t put(uint64_t *at, const void *data, uint64_t size)
{
	uint64_t start = *at;
	memcpy((void *)start, data, size);
	*at += size;
	return start;
}

/* Of the vector of what was here before, what is the machine's. Not the vdso, which the restorer moves away. */
static bool is_kept(uint64_t type)
{
	switch (type) {
	case AT_PAGESZ:
	case AT_CLKTCK:
	case AT_FLAGS:
	case AT_HWCAP:
	case AT_HWCAP2:
	case AT_MINSIGSTKSZ:
		return true;
	default:
		return false;
	}
}

static int64_t read_vector(uint64_t words[LB_AUXV_WORDS])
{
	int64_t file = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/auxv", O_CLOEXEC, 0);
	if (file < 0)
		return file;
	int64_t got = lb_syscall3(__NR_read, file, words, LB_AUXV_WORDS * sizeof *words);
	lb_syscall1(__NR_close, file);
	return got < 0 ? got : got / (int64_t)(2 * sizeof *words);
}

/* Returns how many words. */
static uint32_t make_vector(
	const struct lb_load *load, const struct program *program, uint64_t words[LB_AUXV_WORDS], int64_t pairs)
{
	const uint64_t *old = words;
	uint64_t here[LB_AUXV_WORDS];
	uint32_t count = 0;
	const uint64_t own[][2] = {
		{ AT_PHDR, load->start + program->header.e_phoff },
		{ AT_PHENT, sizeof(Elf64_Phdr) },
		{ AT_PHNUM, program->header.e_phnum },
		{ AT_ENTRY, load->entry },
		{ AT_BASE, 0 },
		{ AT_SECURE, 0 },
		{ AT_UID, (uint64_t)lb_syscall0(__NR_getuid) },
		{ AT_EUID, (uint64_t)lb_syscall0(__NR_geteuid) },
		{ AT_GID, (uint64_t)lb_syscall0(__NR_getgid) },
		{ AT_EGID, (uint64_t)lb_syscall0(__NR_getegid) },
		{ AT_RANDOM, (uint64_t)load->loaded + sizeof *load->loaded },
		{ AT_EXECFN, load->loaded->map.fields.arg_start },
		{ LB_AUX_LOADED, (uint64_t)load->loaded },
		{ AT_NULL, 0 },
	};
	for (int64_t i = 0; i < pairs && count + sizeof own / 8 <= LB_AUXV_WORDS - 2; i++) {
		if (!is_kept(old[2 * i]))
			continue;
		here[count++] = old[2 * i];
		here[count++] = old[2 * i + 1];
	}
	for (unsigned i = 0; i < sizeof own / sizeof own[0]; i++) {
		here[count++] = own[i][0];
		here[count++] = own[i][1];
	}
	memcpy(words, here, count * sizeof *here);
	return count;
}

static int make_stack(struct lb_load *load, const struct program *program)
{
	uint64_t base = load->start + stack_at, end = base + STACK_SIZE;
	uint64_t words[LB_AUXV_WORDS];
	int error = make_memory(base + PAGE, end); /* below is a page that nobody may touch */
	int64_t pairs = error ? error : read_vector(words);
	if (pairs < 0)
		return (int)pairs;
	/* Behind the words: strings, which end the stack. */
	uint64_t size = strlen(load->last) + 1;
	uint32_t argc = load->argc < ARGUMENTS_MAX ? load->argc : ARGUMENTS_MAX;
	const char *last = load->arguments;
	for (uint32_t i = 0; i < argc; i++)
		last += strlen(last) + 1;
	size += (uint64_t)(last - load->arguments);
	uint64_t at = (end - size) & ~15ULL;
	struct lb_image_mm mm = {
		.start_code = load->start + program->code[0],
		.end_code = load->start + program->code[1],
		.start_data = load->start + program->data[0],
		.end_data = load->start + program->data[1],
		.start_brk = load->start + program->size,
		.brk = load->start + program->size,
		.arg_start = at,
	};
	put(&at, load->arguments, (uint64_t)(last - load->arguments));
	put(&at, load->last, strlen(load->last) + 1);
	mm.arg_end = mm.env_start = mm.env_end = at;
	load->loaded = (struct lb_loaded *)((mm.arg_start - sizeof *load->loaded - RANDOM_SIZE) & ~15ULL);
	*load->loaded = (struct lb_loaded){ .argument = load->argument,
		.start = load->start,
		.end = load->start + LB_RANGE_SIZE,
		.parking = load->start + parking_at,
		.map = { .fields = mm, .exe_fd = ~0u } };
	lb_syscall3(__NR_getrandom, load->loaded + 1, RANDOM_SIZE, GRND_NONBLOCK);
	load->entry = load->start + program->header.e_entry;
	uint32_t count = make_vector(load, program, words, pairs);
	uint64_t head[3] = { argc + 1, 0, 0 };
	at = ((uint64_t)load->loaded - (count + argc + 4) * sizeof *words) & ~15ULL;
	load->stack = load->loaded->map.fields.start_stack = at;
	put(&at, head, sizeof *head);
	uint64_t string = mm.arg_start;
	for (uint32_t i = 0; i < argc + 1; i++) {
		put(&at, &string, sizeof string);
		string += strlen((const char *)string) + 1;
	}
	put(&at, head + 1, 2 * sizeof *head);
	load->loaded->map.auxv = (uint64_t *)put(&at, words, count * sizeof *words);
	load->loaded->map.auxv_size = (uint32_t)(count * sizeof *words);
	return 0;
}

int lb_load(struct lb_load *load)
{
	struct program program;
	int error = read_program(load->file, &program);
	if (error)
		return error;
	error = make_segments(load, &program);
	if (!error)
		error = make_stack(load, &program);
	if (error)
		lb_load_drop(load);
	return error;
}

void lb_load_drop(const struct lb_load *load)
{
	lb_syscall2(__NR_munmap, load->start, LB_RANGE_SIZE);
}

int lb_load_name(const struct lb_load *load)
{
	return (int)lb_syscall5(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, &load->loaded->map, sizeof load->loaded->map, 0);
}

/* As the kernel starts a program: rdx, which names a function for its end, is 0. */
void lb_load_enter(const struct lb_load *load)
{
	const uint32_t mxcsr = 0x1f80; /* Intel SDM, volume 1, 10.2.3 */
	lb_syscall2(__NR_arch_prctl, ARCH_SET_GS, 0);
	__asm__ volatile("fninit\n\t"
			 "ldmxcsr %2\n\t"
			 "mov %0, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "xor %%edx, %%edx\n\t"
			 "jmp *%1"
		:
		: "r"(load->stack), "r"(load->entry), "m"(mxcsr)
		: "memory", "rdx");
	__builtin_unreachable();
}
