/* files_world.c - A home, and files with a twin of each. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

#include "shadow/backlog.h"
#include "shadow/descriptors.h"
#include "shadow/grant.h"
#include "shadow/links.h"
#include "shadow/signals.h"
#include "shadow/state.h"

#include "files_guest.h"
#include "files_world.h"

/* ---- home ---- */

struct lb_shadow lb_shadow;
uint64_t unit, scattered_most;
void (*when_answered)(void);

void lb_own_fd(int *fd)
{
	(void)fd;
}

bool lb_is_own_fd(int64_t fd)
{
	(void)fd;
	return false;
}

void lb_own_fds_begin(void)
{
}

void lb_own_fds_end(void)
{
}

int lb_fd_move_up(int fd)
{
	return fd;
}

bool lb_link_tell(struct lb_shadow_link *link, uint32_t type, const void *body, size_t size, bool urgent)
{
	(void)link, (void)type, (void)body, (void)size, (void)urgent;
	return true;
}

void lb_link_lost(void)
{
}

/* What is on its way never needs more than the reserve has: lb_ring.h. */
static void check_reserve(const uint8_t *area, uint64_t size)
{
	static uint64_t ends[4096];
	uint64_t scattered = 0;

	memset(ends, 0xff, sizeof ends); /* the first of each descriptor may go on from before */
	for (uint64_t at = 0; at < size;) {
		const struct lb_link_header *header = (const void *)(area + at), *next;
		uint32_t fd = (uint32_t)header->seq % 4096;
		uint64_t place;

		memcpy(&place, header + 1, sizeof place);
		if (header->type == LB_LINK_PLACE) {
			scattered += place != ends[fd] && ends[fd] != UINT64_MAX;
			ends[fd] = place + header->size - sizeof place - (header->seq >> 32);
		}
		at += sizeof *header + header->size;
		next = (const void *)(area + at);
		scattered += header->type == LB_LINK_SEEK && at < size && next->type == LB_LINK_WRITE &&
			(uint32_t)next->seq == header->seq;
	}
	CHECK(scattered * LB_SCATTER_BLOCKS * unit <= LB_SCATTER_MAX);
	if (scattered > scattered_most)
		scattered_most = scattered;
}

void home_deliver(uint64_t up_to)
{
	static uint8_t area[LB_RING_SIZE + 64];
	struct lb_ring *ring = guest_ring();
	const uint8_t *bytes_at = (const uint8_t *)ring + LB_RING_DATA_AT;
	uint64_t size = 0;

	if (up_to > ring->head)
		up_to = ring->head;
	for (uint64_t at = ring->applied; at < ring->head; at++)
		area[at - ring->applied] = bytes_at[at % LB_RING_SIZE];
	check_reserve(area, ring->head - ring->applied);
	while (ring->applied + size < up_to) {
		const struct lb_link_header *header = (const void *)(area + size);
		uint32_t bytes = header->size;

		CHECK(lb_backlog_handles(header->type));
		CHECK(bytes % 8 == 0);
		CHECK(lb_backlog_handle(header));
		size += sizeof *header + bytes;
	}
	lb_backlog_flush();
	ring->sent = ring->applied += size;
}

int home_is_regular(uint64_t fd)
{
	struct stat status;

	return fstat((int)fd, &status) == 0 && S_ISREG(status.st_mode);
}

int64_t home_call(uint32_t number, const uint64_t args[6])
{
	int64_t result;

	if (lb_backlog_owes(number, (int64_t)args[0], &result))
		return result;
	result = syscall(number, args[0], args[1], args[2], args[3], args[4], 0);
	return result < 0 ? -errno : result;
}

void home_answered(void)
{
	void (*run)(void) = when_answered;

	when_answered = NULL;
	if (run != NULL)
		run();
}

int64_t home_file(uint64_t fd, struct lb_home_file *answer)
{
	return lb_grant((int)fd, answer);
}

void home_opened(uint64_t fd, struct lb_home_file *answer)
{
	lb_grant_opened((int)fd, answer);
}

int64_t home_ahead(uint64_t fd, void *to, size_t size, uint64_t offset)
{
	return lb_read_ahead((int)fd, to, size, offset);
}

/* ---- the two worlds ---- */

static uint64_t seed;
static char folder[64];
struct open_file open_files[OPEN_MAX_];
int open_count;
int news[2];
uint8_t *edge;
uint8_t data[SIZE_MAX_], seen[SIZE_MAX_], wanted[SIZE_MAX_];

uint64_t chance(uint64_t below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

const char *path_of(int name, int world)
{
	static char path[96];

	snprintf(path, sizeof path, "%s/%d%s", folder, name, world ? ".twin" : "");
	return path;
}

void begin_at(const char *place, uint64_t number)
{
	seed = number;
	snprintf(folder, sizeof folder, "%s/lb-test-files.%d", place, (int)getpid());
	CHECK(mkdir(folder, 0700) == 0);
	for (int name = 0; name < FILES; name++)
		for (int world = 0; world < 2; world++)
			close(open(path_of(name, world), O_CREAT | O_WRONLY, 0600));
	open_count = 0;
	when_answered = NULL;
	CHECK(pipe(news) == 0);
	lb_reserve_init();
	lb_backlog_begin();
	guest_begin();
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
}

void begin(uint64_t number)
{
	begin_at("/tmp", number);
}

void end(void)
{
	while (open_count > 0) {
		open_count--;
		close(open_files[open_count].guest);
		close(open_files[open_count].twin);
	}
	for (int name = 0; name < FILES; name++)
		for (int world = 0; world < 2; world++)
			unlink(path_of(name, world));
	CHECK(rmdir(folder) == 0);
	close(news[0]);
	close(news[1]);
	guest_end();
	lb_reserve_drop();
}

int64_t twin_result(int64_t result)
{
	return result < 0 ? -errno : result;
}

void check_files(void)
{
	for (int name = 0; name < FILES; name++) {
		int ours = open(path_of(name, 0), O_RDONLY), twin = open(path_of(name, 1), O_RDONLY);
		ssize_t size = read(twin, wanted, sizeof wanted);

		CHECK_EQUAL(read(ours, seen, sizeof seen), size);
		CHECK(memcmp(seen, wanted, (size_t)size) == 0);
		close(ours);
		close(twin);
	}
}

void hear(void)
{
	char byte;

	switch (chance(3)) {
	case 0:
		CHECK_EQUAL(guest_call(SYS_access, (uintptr_t)"/", F_OK, 0, 0), 0);
		break;
	case 1:
		CHECK(write(news[1], "x", 1) == 1);
		CHECK_EQUAL(guest_call(SYS_read, (uint64_t)news[0], (uintptr_t)&byte, 1, 0), 1);
		break;
	default: /* a signal, along with what is no news otherwise */
		guest_signal();
		CHECK_EQUAL(guest_call(SYS_getppid, 0, 0, 0, 0), getppid());
		break;
	}
}

void find_unit(void)
{
	struct lb_home_file answer;
	int fd = open(path_of(0, 0), O_RDWR);

	CHECK(lb_grant(fd, &answer) == 0);
	unit = answer.unit;
	close(fd);
}

/* Opens file 0 in both worlds, as descriptor 0 of the table. */
int open_one(int flags)
{
	open_files[0].twin = open(path_of(0, 1), flags);
	open_files[0].guest =
		(int)guest_call(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)path_of(0, 0), (uint64_t)flags, 0);
	open_files[0].name = 0;
	CHECK(open_files[0].guest >= 0);
	open_count = 1;
	return open_files[0].guest;
}

void fill(size_t size)
{
	for (int world = 0; world < 2; world++) {
		int fd = open(path_of(0, world), O_WRONLY | O_TRUNC);

		CHECK(write(fd, data, size) == (ssize_t)size);
		close(fd);
	}
}

void world_prepare(void)
{
	edge = mmap(NULL, SIZE_MAX_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(edge != MAP_FAILED && mprotect(edge + 80 * PAGE, PAGE, PROT_NONE) == 0);
	edge += 80 * PAGE;
	guest_edge = (uintptr_t)edge;
}
