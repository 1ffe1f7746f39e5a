/* direct.c - O_DIRECT.
 *
 * What the file system asks of memory, lengths and offsets, whatever the program did before.
 */
#include "conformity.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK 4096
#define ROOM (8 * BLOCK)

static char *memory; /* on a page */
static int direct, other;

/* What is on its way home in front of the call that is checked. */
static void nothing(void)
{
}

static void small_write(void)
{
	must("write", write(other, "a line\n", 7));
}

static void large_write(void)
{
	must("write", pwrite(other, memory, 3 * BLOCK + 1, 5000));
}

static void seek(void)
{
	must("lseek", lseek(other, 100, SEEK_SET));
}

static void own_seek(void)
{
	must("lseek", lseek(direct, 0, SEEK_SET));
}

static void action(void)
{
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
}

static const struct {
	const char *name;
	void (*run)(void);
} fronts[] = { { "nothing", nothing }, { "a small write", small_write }, { "a large write", large_write },
	{ "lseek", seek }, { "lseek of itself", own_seek }, { "sigaction", action } };

static void check_simple(void)
{
	CALL("pwrite", pwrite(direct, memory, BLOCK, 0));
	CALL("pwrite of 512 bytes", pwrite(direct, memory, 512, BLOCK));
	CALL("pwrite of two blocks from a sector", pwrite(direct, memory + 512, 2 * BLOCK, BLOCK));
	CALL("pwrite from an odd address", pwrite(direct, memory + 1, BLOCK, 0));
	CALL("pwrite from half a sector", pwrite(direct, memory + 256, BLOCK, 0));
	CALL("pwrite of 100 bytes", pwrite(direct, memory, 100, 0));
	CALL("pwrite of a block and 100 bytes", pwrite(direct, memory, BLOCK + 100, 0));
	CALL("pwrite at an odd place", pwrite(direct, memory, BLOCK, 100));
	CALL("lseek", lseek(direct, 3 * BLOCK, SEEK_SET));
	CALL("write", write(direct, memory, BLOCK));
	CALL("write from an odd address", write(direct, memory + 7, BLOCK));
	CALL("pread", pread(direct, memory + ROOM, BLOCK, 0));
	CALL("pread to a sector", pread(direct, memory + ROOM + 512, BLOCK, BLOCK));
	CALL("pread to an odd address", pread(direct, memory + ROOM + 3, BLOCK, 0));
	CALL("pread to half a sector", pread(direct, memory + ROOM + 256, BLOCK, 0));
	CALL("pread of 100 bytes", pread(direct, memory + ROOM, 100, 0));
	CALL("pread at an odd place", pread(direct, memory + ROOM, BLOCK, 1));
	CALL("pread behind the end", pread(direct, memory + ROOM, BLOCK, 100 * BLOCK));
	CALL("lseek back", lseek(direct, 0, SEEK_SET));
	CALL("read", read(direct, memory + ROOM, BLOCK));
	CALL("read to an odd address", read(direct, memory + ROOM + 1, BLOCK));
}

static void check_pieces(void)
{
	struct iovec good[2] = { { memory, BLOCK }, { memory + 2 * BLOCK, BLOCK } };
	struct iovec sectors[2] = { { memory + 512, 512 }, { memory + BLOCK, BLOCK - 512 } };
	struct iovec odd[2] = { { memory, BLOCK }, { memory + 2 * BLOCK + 1, BLOCK } };
	struct iovec cut[2] = { { memory, 100 }, { memory + 100, BLOCK - 100 } };
	struct iovec back[2] = { { memory + ROOM, BLOCK }, { memory + ROOM + 2 * BLOCK, BLOCK } };

	CALL("pwritev", pwritev(direct, good, 2, 0));
	CALL("pwritev of sectors", pwritev(direct, sectors, 2, 0));
	CALL("pwritev with an odd address", pwritev(direct, odd, 2, 0));
	CALL("pwritev with a block in two odd parts", pwritev(direct, cut, 2, 0));
	CALL("lseek", lseek(direct, 0, SEEK_SET));
	CALL("writev", writev(direct, good, 2));
	CALL("pwritev2 at the offset", pwritev2(direct, good, 2, -1, 0));
	CALL("preadv", preadv(direct, back, 2, 0));
	show("what it gave", "%d %d", memcmp(memory, memory + ROOM, BLOCK),
		memcmp(memory + 2 * BLOCK, memory + ROOM + 2 * BLOCK, BLOCK));
	CALL("preadv with an odd address", preadv(direct, odd, 2, 0));
	CALL("lseek back", lseek(direct, 0, SEEK_SET));
	CALL("readv", readv(direct, back, 2));
	CALL("preadv2 at the offset", preadv2(direct, back, 2, -1, 0));
}

static void check_long(void)
{
	size_t size = (3u << 20) + BLOCK;
	char *data = aligned_alloc(BLOCK, size + BLOCK), *back = aligned_alloc(BLOCK, size + BLOCK);
	struct iovec list[2] = { { back, 1u << 20 }, { back + (1u << 20), size - (1u << 20) } };

	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 37 >> 4);
	small_write();
	CALL("pwrite of 3 MiB", pwrite(direct, data, size, 0));
	CALL("pread of them", pread(direct, back, size, 0));
	show("they are the same", "%d", memcmp(data, back, size));
	memset(back, 0, size);
	small_write();
	CALL("preadv of them", preadv2(direct, list, 2, 0, 0));
	show("those are the same", "%d", memcmp(data, back, size));
	CALL("pwrite of 3 MiB from an odd address", pwrite(direct, data + 1, size, 0));
	CALL("pread of 3 MiB to an odd address", pread(direct, back + 1, size, 0));
	free(data);
	free(back);
}

static void check_late(void)
{
	int fd = make_file("late", "buffered");

	for (int i = 0; i < 3; i++)
		must("write", pwrite(fd, "text", 4, i * 4));
	CALL("F_SETFL O_DIRECT", fcntl(fd, F_SETFL, O_DIRECT));
	small_write();
	CALL("pwrite of 4 bytes then", pwrite(fd, "text", 4, 0));
	CALL("pwrite of a block then", pwrite(fd, memory, BLOCK, 0));
	CALL("F_SETFL without it", fcntl(fd, F_SETFL, 0));
	CALL("pwrite of 4 bytes again", pwrite(fd, "text", 4, 0));
	close(fd);
}

/* Its last page is not whole. */
static void check_mapped(void)
{
	int fd = make_file("mapped", "");
	char *map;

	must("pwrite", pwrite(fd, memory, 2 * BLOCK + 100, 0));
	close(fd);
	fd = open("mapped", O_RDONLY | O_DIRECT);
	map = mmap(NULL, 3 * BLOCK, PROT_READ, MAP_PRIVATE, fd, 0);
	CALL("mmap", map == MAP_FAILED ? -1 : 0);
	if (map != MAP_FAILED)
		show("what is mapped", "%c %c %d", map[0], map[2 * BLOCK + 99], map[2 * BLOCK + 100]);
	CALL("read after it", read(fd, memory + ROOM, 3 * BLOCK));
	CALL("read at the end", read(fd, memory + ROOM, BLOCK));
	CALL("sendfile", sendfile(other, fd, &(off_t){ 0 }, 2 * BLOCK));
	close(fd);
}

static void run_direct(void)
{
	char name[32];

	memory = aligned_alloc(BLOCK, 2 * ROOM);
	memset(memory, 'd', 2 * ROOM);
	other = make_file("other", "");
	for (size_t i = 0; i < sizeof fronts / sizeof fronts[0]; i++) {
		snprintf(name, sizeof name, "file%zu", i);
		CALL("open", (direct = open(name, O_RDWR | O_CREAT | O_DIRECT, 0644)) < 0 ? -1 : 0);
		for (int n = 0; n < 5 && direct >= 0; n++) {
			fronts[i].run();
			CALL(fronts[i].name, write(direct, memory, BLOCK));
		}
		close(direct);
	}
	direct = open("file", O_RDWR | O_CREAT | O_DIRECT, 0644);
	for (int n = 0; n < 2 && direct >= 0; n++) {
		check_simple();
		check_pieces();
	}
	if (direct >= 0)
		check_long();
	close(direct);
	check_late();
	check_mapped();
	close(other);
	free(memory);
}

const struct part part_direct = { "direct", run_direct };
