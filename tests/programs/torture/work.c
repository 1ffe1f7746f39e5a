/* work.c - Threads that compute, each with registers of its own, and allocate. */
#include "torture.h"

#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#define COMPUTERS 2
#define STEPS 4000
#define ALLOCATORS 2
#define BLOCKS 64
#define LARGEST 40000

/* compute: the same numbers in each run, whatever the others do. */

static const int modes[COMPUTERS + 1] = { FE_TONEAREST, FE_UPWARD, FE_TOWARDZERO };
static pthread_t computers[COMPUTERS];

static uint64_t compute(uint64_t from)
{
	double a[4] = { 1.0 + (double)(from % 1000), 0.5, 0.25, 3.0 };
	uint64_t bits, sum = from;

	for (int i = 0; i < STEPS; i++) {
		sum = sum * 6364136223846793005u + 1442695040888963407u;
		for (int k = 0; k < 4; k++)
			a[k] = a[k] * 1.0000001 + sqrt(a[(k + 1) % 4]) / (3.0 + (double)(sum >> 60));
		if (a[0] > 1e6)
			a[0] /= 3.0;
	}
	for (int k = 0; k < 4; k++) {
		memcpy(&bits, &a[k], sizeof bits);
		sum = mix(sum, bits);
	}
	return sum;
}

static void *compute_often(void *argument)
{
	int mode = modes[(intptr_t)argument];

	fesetround(mode);
	uint64_t wanted = compute((uintptr_t)argument);
	while (!is_over()) {
		AT("a computation");
		uint64_t got = compute((uintptr_t)argument);
		EXPECT(got == wanted, "a computation gives %016lx, not %016lx", got, wanted);
		EXPECT(fegetround() == mode, "a thread's rounding mode is %x, not %x", fegetround(), mode);
		rest_up_to(3000);
	}
	return argument;
}

static void set_up_compute(void)
{
	for (intptr_t i = 0; i < COMPUTERS; i++)
		computers[i] = start(compute_often, (void *)(i + 1));
}

static uint64_t compute_here(long round)
{
	EXPECT(fegetround() == FE_TONEAREST, "the rounding mode is %x", fegetround());
	return compute(value_of(round, 0));
}

static void end_compute(void)
{
	for (intptr_t i = 0; i < COMPUTERS; i++)
		join(computers[i], (void *)(i + 1));
}

const struct check check_compute = { "compute", false, set_up_compute, compute_here, end_compute };

/* memory: blocks of the heap and mappings, made and freed by several threads. */

struct block {
	unsigned char *at;
	size_t size;
};

static pthread_t allocators[ALLOCATORS];

static bool holds(const struct block *block, int byte)
{
	for (size_t i = 0; i < block->size; i += 97)
		if (block->at[i] != byte)
			return false;
	return true;
}

static void renew(struct block *block, int byte, uint64_t number)
{
	free(block->at);
	block->size = 1 + number % LARGEST;
	block->at = malloc(block->size);
	if (EXPECT(block->at != NULL, "malloc gives nothing"))
		memset(block->at, byte, block->size);
	else
		block->size = 0;
}

static uint64_t map_and_unmap(uint64_t number)
{
	size_t size = 4096 * (1 + number % 16);
	unsigned char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!EXPECT(at != MAP_FAILED, "mmap: %s", strerrorname_np(errno)))
		return 0;
	memset(at, (int)(number & 0xff), size);
	unsigned char *grown = mremap(at, size, 2 * size, MREMAP_MAYMOVE);
	EXPECT(grown != MAP_FAILED, "mremap: %s", strerrorname_np(errno));
	if (grown == MAP_FAILED)
		return 0;
	uint64_t hash = hash_bytes(grown, 2 * size);
	RETURNS(munmap(grown, 2 * size), 0);
	return hash;
}

static uint64_t renew_some(struct block *blocks, long round)
{
	uint64_t hash = 0;

	for (unsigned i = 0; i < 8; i++) {
		uint64_t number = value_of(round, i);
		unsigned index = (unsigned)(number >> 40) % BLOCKS;

		EXPECT(holds(&blocks[index], (int)index), "a block of %zu bytes has changed", blocks[index].size);
		renew(&blocks[index], (int)index, number);
		hash = mix(hash, blocks[index].size);
	}
	return mix(hash, map_and_unmap(value_of(round, 9)));
}

static void free_all(struct block *blocks)
{
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i].at);
}

static void *allocate_often(void *argument)
{
	struct block blocks[BLOCKS] = { 0 };

	for (long round = 0; !is_over(); round++) {
		AT("the heap");
		renew_some(blocks, round * 7 + (intptr_t)argument);
		rest_up_to(2000);
	}
	free_all(blocks);
	return argument;
}

static struct block blocks_here[BLOCKS];

static void set_up_memory(void)
{
	for (intptr_t i = 0; i < ALLOCATORS; i++)
		allocators[i] = start(allocate_often, (void *)(i + 1));
}

static uint64_t allocate_here(long round)
{
	return renew_some(blocks_here, round);
}

static void end_memory(void)
{
	for (intptr_t i = 0; i < ALLOCATORS; i++)
		join(allocators[i], (void *)(i + 1));
	free_all(blocks_here);
}

const struct check check_memory = { "memory", false, set_up_memory, allocate_here, end_memory };
