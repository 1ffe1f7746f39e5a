/* memory.c - data, bss, heap, break, stack, mappings, thread-local storage, auxiliary vector. */
#include "selfcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define BSS_WORDS (128 * 1024)
#define BLOCKS 200
#define STACK_DEPTH 48
#define STACK_FRAME_WORDS 2048 /* 16 KiB a frame: 768 KiB in all, below any usual stack limit */
#define PAGE 4096
#define GROWTHS_MAX 200

static uint64_t bss[BSS_WORDS];
static uint64_t data[] = { 0x1122334455667788u, 0x99aabbccddeeff00u, 0x0123456789abcdefu };
static const uint64_t constant[] = { 0xfeedfacecafebeefu, 0x5555aaaa5555aaaau };
static __thread uint64_t thread_words[64];
static __thread int thread_initialized = 77;

static struct {
	unsigned char *bytes;
	size_t size;
	uint64_t seed;
} blocks[BLOCKS];

static unsigned char *guarded; /* page readable, page without access, page read-only */
static unsigned char *mapped;  /* private mapping of a file that is gone */
static unsigned char *growing; /* the lowest page that was touched of a mapping that grows down */
static int growths;
static unsigned char random_at_start[16];
static unsigned long vdso_at_start;

static void fill_block(size_t i, uint64_t seed)
{
	blocks[i].seed = seed;
	for (size_t at = 0; at < blocks[i].size; at++)
		blocks[i].bytes[at] = (unsigned char)pattern_of(seed + at / 8);
}

static size_t bad_bytes(size_t i)
{
	size_t bad = 0;

	for (size_t at = 0; at < blocks[i].size; at++)
		bad += blocks[i].bytes[at] != (unsigned char)pattern_of(blocks[i].seed + at / 8);
	return bad;
}

/* A size of a small block mostly, at times one that malloc maps on its own. */
static size_t block_size(uint64_t random)
{
	return random % 29 == 0 ? 140000 + random % 100000 : 16 + random % 5000;
}

static void setup_mappings(void)
{
	char name[64];
	int fd;

	guarded = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	snprintf(name, sizeof name, "selfcheck.%d.map", (int)getpid());
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (guarded == MAP_FAILED || fd < 0 || write(fd, bss, 2 * PAGE) != 2 * PAGE) {
		perror("selfcheck: cannot set up mappings");
		exit(2);
	}
	mapped = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED) {
		perror("selfcheck: cannot map a file");
		exit(2);
	}
	close(fd);
	unlink(name);
	mapped[PAGE] = 0x77; /* the second page becomes our own, the first stays the file's */
	memset(guarded, 0x5a, 3 * PAGE);
	mprotect(guarded + PAGE, PAGE, PROT_NONE);
	mprotect(guarded + 2 * PAGE, PAGE, PROT_READ);
}

/* With room below, which nothing else can have: a new mapping stays 1 MiB (stack_guard_gap of mm/mmap.c, Linux 6.12)
 * away from one that grows, and that one grows up to 1 MiB near to another that can be accessed. */
static void setup_growing(void)
{
	size_t below = 16 * PAGE, gap = 256 * PAGE;
	unsigned char *at = mmap(NULL, below + gap + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at != MAP_FAILED && munmap(at + below, gap + PAGE) == 0)
		growing = mmap(at + below + gap, PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0);
	if (growing == NULL || growing == MAP_FAILED) {
		perror("selfcheck: cannot map memory that grows");
		exit(2);
	}
	*growing = 0x6b;
}

static void setup(void)
{
	for (size_t i = 0; i < BSS_WORDS; i++)
		bss[i] = pattern_of(i);
	for (size_t i = 0; i < 64; i++)
		thread_words[i] = pattern_of(7000 + i);
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i].size = block_size(pattern_of(i + 50));
		blocks[i].bytes = malloc(blocks[i].size);
		if (!blocks[i].bytes) {
			perror("selfcheck: malloc");
			exit(2);
		}
		fill_block(i, i * 1000);
	}
	setup_mappings();
	setup_growing();
	memcpy(random_at_start, (void *)getauxval(AT_RANDOM), sizeof random_at_start);
	vdso_at_start = getauxval(AT_SYSINFO_EHDR);
}

static void check_static(long round)
{
	size_t bad = 0;

	for (size_t i = (size_t)round % 16; i < BSS_WORDS; i += 16)
		bad += bss[i] != pattern_of(i);
	CHECK(bad == 0, "%zu words of bss changed", bad);
	CHECK(data[0] == 0x1122334455667788u + (uint64_t)(round - 1) && data[1] == 0x99aabbccddeeff00u,
		"initialized data changed");
	data[0]++;
	CHECK(*(volatile const uint64_t *)&constant[1] == 0x5555aaaa5555aaaau, "constants changed");
	bad = 0;
	for (size_t i = 0; i < 64; i++)
		bad += thread_words[i] != pattern_of(7000 + i);
	CHECK(bad == 0, "%zu words of thread-local storage changed", bad);
	CHECK(thread_initialized == 77 + (int)(round - 1), "initialized thread-local data changed");
	thread_initialized++;
}

static void check_heap(long round)
{
	uint64_t random = pattern_of((uint64_t)round * 3);
	size_t i = random % BLOCKS, j = (random >> 20) % BLOCKS;
	size_t before, kept;
	unsigned char *grown;

	CHECK(bad_bytes(i) == 0, "heap block %zu of %zu bytes changed", i, blocks[i].size);
	CHECK(bad_bytes(j) == 0, "heap block %zu of %zu bytes changed", j, blocks[j].size);
	free(blocks[i].bytes);
	blocks[i].size = block_size(random >> 8);
	blocks[i].bytes = malloc(blocks[i].size);
	CHECK(blocks[i].bytes != NULL, "malloc of %zu bytes failed: errno %d", blocks[i].size, errno);
	if (!blocks[i].bytes)
		exit(1);
	fill_block(i, random);
	before = blocks[j].size;
	grown = realloc(blocks[j].bytes, block_size(random >> 16));
	CHECK(grown != NULL, "realloc failed: errno %d", errno);
	if (!grown)
		exit(1);
	blocks[j].bytes = grown;
	kept = before < block_size(random >> 16) ? before : block_size(random >> 16);
	blocks[j].size = kept;
	CHECK(bad_bytes(j) == 0, "realloc lost %zu of %zu bytes", bad_bytes(j), kept);
	blocks[j].size = block_size(random >> 16);
	fill_block(j, blocks[j].seed);
}

static void check_break(void)
{
	unsigned char *end = sbrk(0), *got = sbrk(3 * PAGE);
	size_t bad = 0;

	CHECK(got == end, "sbrk gave %p where the break was %p", (void *)got, (void *)end);
	if (got != end)
		return;
	memset(got, 0x3c, 3 * PAGE);
	for (size_t i = 0; i < 3 * PAGE; i++)
		bad += got[i] != 0x3c;
	CHECK(bad == 0 && sbrk(0) == end + 3 * PAGE, "the break's new memory is wrong");
	CHECK(sbrk(-3 * PAGE) == end + 3 * PAGE && sbrk(0) == end, "the break does not go back");
}

static uint64_t descend(int depth, uint64_t seed)
{
	volatile uint64_t frame[STACK_FRAME_WORDS];
	uint64_t below, bad = 0;

	for (size_t i = 0; i < STACK_FRAME_WORDS; i++)
		frame[i] = pattern_of(seed + i);
	below = depth > 0 ? descend(depth - 1, seed + STACK_FRAME_WORDS) : !spin_general(100000, seed);
	for (size_t i = 0; i < STACK_FRAME_WORDS; i++)
		bad += frame[i] != pattern_of(seed + i);
	return bad + below;
}

static void check_mappings(void)
{
	char *other;
	int fds[2];

	CHECK(guarded[17] == 0x5a && guarded[2 * PAGE + 17] == 0x5a, "mapped memory changed");
	CHECK(mapped[PAGE] == 0x77 && memcmp(mapped, bss, PAGE) == 0, "a private file mapping changed");
	if (pipe(fds) == 0) {
		errno = 0;
		CHECK(write(fds[1], guarded + PAGE, 8) == -1 && errno == EFAULT,
			"a write from memory without access gave errno %d", errno);
		CHECK(write(fds[1], guarded, 8) == 8, "a write from a mapping failed");
		errno = 0;
		CHECK(read(fds[0], guarded + 2 * PAGE, 8) == -1 && errno == EFAULT,
			"a read into read-only memory gave errno %d", errno);
		close(fds[0]);
		close(fds[1]);
	}
	if (growths < GROWTHS_MAX) { /* beyond its end: the kernel makes it longer */
		growths++;
		growing -= PAGE;
		*growing = 0x6b;
	}
	CHECK(growing[(size_t)growths * PAGE] == 0x6b, "a mapping that grows changed");
	other = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(other != MAP_FAILED && other[63 * PAGE] == 0, "new mappings are wrong: errno %d", errno);
	if (other == MAP_FAILED)
		return;
	memset(other, 1, 64 * PAGE);
	other = mremap(other, 64 * PAGE, 512 * PAGE, MREMAP_MAYMOVE);
	CHECK(other != MAP_FAILED && other[63 * PAGE] == 1 && other[511 * PAGE] == 0, "mremap is wrong");
	if (other != MAP_FAILED)
		munmap(other, 512 * PAGE);
}

static void check_maps_file(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	bool stack = false, code = false;
	char line[512];
	int here;

	CHECK(maps != NULL, "cannot open /proc/self/maps: errno %d", errno);
	if (!maps)
		return;
	while (fgets(line, sizeof line, maps)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		stack |= (unsigned long)&here >= from && (unsigned long)&here < to && strstr(line, "[stack]") != NULL;
		code |= (unsigned long)check_maps_file >= from && (unsigned long)check_maps_file < to;
	}
	fclose(maps);
	CHECK(stack, "/proc/self/maps does not show this stack as [stack]");
	CHECK(code, "/proc/self/maps does not show this program's code");
}

static void check_round(long round)
{
	unsigned char *vdso = (unsigned char *)getauxval(AT_SYSINFO_EHDR);

	check_static(round);
	check_heap(round);
	check_break();
	check_mappings();
	if (round % 4 == 0) {
		CHECK(descend(STACK_DEPTH, (uint64_t)round) == 0, "the stack changed");
		check_maps_file();
	}
	errno = 1234;
	CHECK(spin_general(1000000, 5), "a general register changed");
	CHECK(errno == 1234, "errno changed to %d by itself", errno);
	CHECK(memcmp(random_at_start, (void *)getauxval(AT_RANDOM), 16) == 0, "AT_RANDOM changed");
	CHECK((unsigned long)vdso == vdso_at_start && memcmp(vdso, "\177ELF", 4) == 0,
		"the vdso is not where the auxiliary vector says");
}

const struct group group_memory = { "memory", setup, check_round };
