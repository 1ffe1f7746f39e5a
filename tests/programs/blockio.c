/*
 * blockio: random block I/O that checks itself. Each block carries its place, its generation and a CRC; the program
 * knows which generation each block must have, and whoever reads the files later can tell whether they are whole.
 *
 *   blockio SEED PARTS OPERATIONS   does OPERATIONS for each of PARTS lines from standard input, and then prints
 *                                   "part N"; at its end it reads everything again through new descriptors
 *   blockio verify                  checks the files that it has left, and prints the same last line
 *
 * It writes by pwrite, write, pwritev and in small pieces, reads by pread, read, preadv and in small pieces, truncates,
 * extends, appends, syncs, and opens again, buffered, with O_DSYNC or with O_DIRECT.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK 4096
#define FILES 4 /* the last one is only appended to */
#define APPENDED (FILES - 1)
#define BLOCKS_MAX 512 /* of a file */
#define RUN_MAX 12     /* blocks of one call */
#define PIECE 64
#define MAGIC 0x6b636f6c62626c31ULL

struct header {
	uint64_t magic, generation;
	uint32_t file, block, crc, unused;
};

struct block {
	struct header header;
	uint8_t data[BLOCK - sizeof(struct header)];
};
_Static_assert(sizeof(struct block) == BLOCK, "a block is its header and its data");

static struct {
	int fd, second;
	bool whole; /* only whole blocks: O_DIRECT wants it, and with O_DSYNC each piece would wait for the disk */
	uint32_t blocks;
	uint64_t generations[BLOCKS_MAX]; /* 0: never written since the file was shorter: zeros */
} files[FILES];
static struct block run[RUN_MAX] __attribute__((aligned(BLOCK)));
static uint64_t state, generation;
static uint32_t crc_table[256];
static long operations;

static void die(const char *what, long a, long b)
{
	printf("FAILED %s: %ld %ld after %ld operations: %s\n", what, a, b, operations, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static uint32_t choose(uint32_t below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % below;
}

/* CRC-32, reflected, as of IEEE 802.3. */
static uint32_t crc_of(const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint32_t crc = ~0u;

	if (crc_table[1] == 0) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t value = i;

			for (int bit = 0; bit < 8; bit++)
				value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
			crc_table[i] = value;
		}
	}
	while (size-- > 0)
		crc = crc >> 8 ^ crc_table[(crc ^ *at++) & 0xff];
	return ~crc;
}

static void fill(struct block *block, uint32_t file, uint32_t number, uint64_t of)
{
	uint64_t random = of * 0x9e3779b97f4a7c15ULL + number;

	block->header = (struct header){ MAGIC, of, file, number, 0, 0 };
	for (size_t i = 0; i + 8 <= sizeof block->data; i += 8) {
		random = random * 6364136223846793005ULL + 1;
		memcpy(block->data + i, &random, 8);
	}
	block->header.crc = crc_of(block, BLOCK);
}

/* Returns the block's generation; 0: it is all zeros. */
static uint64_t check(const struct block *block, uint32_t file, uint32_t number)
{
	static const struct block zeros;
	struct block copy = *block;
	uint32_t crc = copy.header.crc;

	if (memcmp(block, &zeros, BLOCK) == 0)
		return 0;
	copy.header.crc = 0;
	if (copy.header.magic != MAGIC || copy.header.file != file || copy.header.block != number)
		die("a block is not in its place", file, number);
	if (crc_of(&copy, BLOCK) != crc)
		die("a block's CRC", file, number);
	return copy.header.generation;
}

static void check_run(uint32_t file, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t found = check(&run[i], file, first + i);

		if (found != files[file].generations[first + i])
			die("a block's generation", (long)found, (long)files[file].generations[first + i]);
	}
}

static void name_of(uint32_t file, char *name)
{
	sprintf(name, "blocks%u", file);
}

static void open_file(uint32_t file)
{
	static const int modes[] = { 0, 0, O_DSYNC, O_DIRECT };
	int mode = modes[choose(4)];
	char name[16];

	name_of(file, name);
	if (file == APPENDED)
		mode = O_APPEND;
	files[file].fd = open(name, O_RDWR | O_CREAT | mode, 0644);
	files[file].whole = mode == O_DIRECT || mode == O_DSYNC;
	if (files[file].fd < 0 && errno == EINVAL) /* a file system without direct I/O */
		files[file].fd = open(name, O_RDWR | O_CREAT, 0644);
	files[file].second = open(name, O_RDONLY);
	if (files[file].fd < 0 || files[file].second < 0)
		die("open", file, mode);
}

static void close_file(uint32_t file)
{
	if (close(files[file].fd) < 0 || close(files[file].second) < 0)
		die("close", file, 0);
}

/* ---- operations */

static void write_pieces(int fd, const void *bytes, size_t size)
{
	for (size_t at = 0; at < size; at += PIECE) {
		if (write(fd, (const char *)bytes + at, PIECE) != PIECE)
			die("write of a piece", fd, (long)at);
	}
}

static void read_pieces(int fd, void *bytes, size_t size)
{
	for (size_t at = 0; at < size; at += PIECE) {
		if (read(fd, (char *)bytes + at, PIECE) != PIECE)
			die("read of a piece", fd, (long)at);
	}
}

static void split(struct iovec pieces[2], size_t size)
{
	size_t first = BLOCK * (1 + choose((uint32_t)(size / BLOCK)));

	pieces[0] = (struct iovec){ run, first };
	pieces[1] = (struct iovec){ (char *)run + first, size - first };
}

static void do_write(uint32_t file)
{
	uint32_t first = choose(BLOCKS_MAX), count = 1 + choose(RUN_MAX), way = choose(4);
	int fd = files[file].fd;
	struct iovec pieces[2];
	off_t at;
	size_t size;

	if (count > BLOCKS_MAX - first)
		count = BLOCKS_MAX - first;
	size = (size_t)count * BLOCK;
	at = (off_t)first * BLOCK;
	for (uint32_t i = 0; i < count; i++) {
		files[file].generations[first + i] = ++generation;
		fill(&run[i], file, first + i, generation);
	}
	if (first + count > files[file].blocks)
		files[file].blocks = first + count;
	split(pieces, size);
	if (way == 0 && pwrite(fd, run, size, at) != (ssize_t)size)
		die("pwrite", file, first);
	if (way == 1 && pwritev(fd, pieces, 2, at) != (ssize_t)size)
		die("pwritev", file, first);
	if (way < 2)
		return;
	if (lseek(fd, at, SEEK_SET) != at)
		die("lseek", file, first);
	if (way == 3 && !files[file].whole)
		write_pieces(fd, run, size);
	else if (write(fd, run, size) != (ssize_t)size)
		die("write", file, first);
	if (lseek(fd, 0, SEEK_CUR) != at + (off_t)size)
		die("the offset after a write", file, first);
}

static void do_read(uint32_t file)
{
	uint32_t count = 1 + choose(RUN_MAX), way = choose(5), first;
	int fd = choose(2) ? files[file].fd : files[file].second;
	bool pieces_too = fd == files[file].second || !files[file].whole;
	struct iovec pieces[2];
	size_t size;
	off_t at;

	if (files[file].blocks == 0)
		return;
	first = choose(files[file].blocks);
	if (count > files[file].blocks - first)
		count = files[file].blocks - first;
	size = (size_t)count * BLOCK;
	at = (off_t)first * BLOCK;
	memset(run, 0xee, size);
	split(pieces, size);
	if (way == 0 && pread(fd, run, size, at) != (ssize_t)size)
		die("pread", file, first);
	if (way == 1 && preadv(fd, pieces, 2, at) != (ssize_t)size)
		die("preadv", file, first);
	if (way >= 2) {
		if (lseek(fd, at, SEEK_SET) != at)
			die("lseek to read", file, first);
		if (way >= 3 && pieces_too)
			read_pieces(fd, run, size);
		else if (read(fd, run, size) != (ssize_t)size)
			die("read", file, first);
	}
	check_run(file, first, count);
}

static void do_append(void)
{
	uint32_t number = files[APPENDED].blocks;
	struct stat status;

	if (number == BLOCKS_MAX)
		return;
	fill(run, APPENDED, number, ++generation);
	files[APPENDED].generations[number] = generation;
	if (lseek(files[APPENDED].fd, 0, SEEK_SET) != 0)
		die("lseek before an append", number, 0);
	if (choose(2))
		write_pieces(files[APPENDED].fd, run, BLOCK);
	else if (write(files[APPENDED].fd, run, BLOCK) != BLOCK)
		die("append", number, 0);
	files[APPENDED].blocks++;
	if (fstat(files[APPENDED].second, &status) < 0 || status.st_size != (off_t)files[APPENDED].blocks * BLOCK)
		die("the size after an append", (long)status.st_size, files[APPENDED].blocks);
}

static void do_truncate(uint32_t file)
{
	uint32_t blocks = choose(BLOCKS_MAX);

	if (ftruncate(files[file].fd, (off_t)blocks * BLOCK) < 0)
		die("ftruncate", file, blocks);
	for (uint32_t i = blocks; i < BLOCKS_MAX; i++)
		files[file].generations[i] = 0;
	files[file].blocks = blocks;
}

static void operate(void)
{
	uint32_t file = choose(FILES), what = choose(40);

	operations++;
	if (what < 18)
		do_read(file);
	else if (what < 34 && file == APPENDED)
		do_append();
	else if (what < 34)
		do_write(file);
	else if (what < 36 && (choose(2) ? fsync(files[file].fd) : fdatasync(files[file].fd)) < 0)
		die("fsync", file, 0);
	else if (what == 36 && file != APPENDED)
		do_truncate(file);
	else if (what >= 37) {
		close_file(file);
		open_file(file);
	}
}

/* ---- the look at what there is */

static void print_sum(const char *word)
{
	uint64_t sum = 0;
	uint32_t blocks = 0;

	for (uint32_t file = 0; file < FILES; file++) {
		blocks += files[file].blocks;
		for (uint32_t i = 0; i < files[file].blocks; i++)
			sum = sum * 31 + files[file].generations[i];
	}
	printf("%s %u blocks %016llx\n", word, blocks, (unsigned long long)sum);
	fflush(stdout);
}

/* Reads every file from its beginning; `known`: and compares it with what must be there. */
static void verify(bool known)
{
	for (uint32_t file = 0; file < FILES; file++) {
		uint32_t number = 0;
		char name[16];
		ssize_t got;
		int fd;

		name_of(file, name);
		fd = open(name, O_RDONLY);
		if (fd < 0)
			die("open", file, 0);
		for (; (got = read(fd, run, BLOCK)) == BLOCK; number++) {
			if (number == BLOCKS_MAX)
				die("a file is too long", file, number);
			if (known)
				check_run(file, number, 1);
			files[file].generations[number] = check(run, file, number);
		}
		if (got != 0)
			die("a part of a block", file, got);
		if (known && number != files[file].blocks)
			die("a file's size", number, files[file].blocks);
		files[file].blocks = number;
		close(fd);
	}
	print_sum("verified");
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc == 2 && strcmp(argv[1], "verify") == 0) {
		verify(false);
		return 0;
	}
	if (argc != 4) {
		fprintf(stderr, "usage: blockio SEED PARTS OPERATIONS | blockio verify\n");
		return 2;
	}
	state = strtoull(argv[1], NULL, 10) * 2 + 1;
	for (uint32_t file = 0; file < FILES; file++)
		open_file(file);
	for (int part = 1; part <= atoi(argv[2]) && fgets(line, sizeof line, stdin) != NULL; part++) {
		for (int i = 0; i < atoi(argv[3]); i++)
			operate();
		printf("part %d\n", part);
		print_sum("now");
	}
	for (uint32_t file = 0; file < FILES; file++)
		close_file(file);
	verify(true);
	return 0;
}
