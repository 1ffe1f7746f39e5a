/* read_ahead.c - Bytes read ahead of the program.
 *
 * For read(2) at a descriptor's offset and for pread(2) anywhere.
 *
 * Runs in:  the SIGSYS handler; what only looks, and lb_ahead_release(), at patched sites too (answers.h).
 *
 * Reading ahead is invisible as long as nothing that the program learns could tell it of a later change of the
 * file: so whatever brings news from outside (a read of a pipe, the result of stat(2) or wait4(2), a signal of
 * another process) voids what was read ahead, and so do time and the program's own writes to that file.
 */
#include "cache/read_ahead.h"

#include "lb_syscalls.h"

#include "cache/descriptors.h"
#include "cache/known.h"
#include "home_call/request.h"
#include "home_call/ring.h"

#define AHEAD_SIZE_MIN (16u << 10)
/* A longer read is not helped by a copy in between. */
#define AHEAD_READ_MAX (64u << 10)

struct lb_ahead *lb_ahead_of(const struct lb_file *file)
{
	return file->ahead_slot != 0 ? &lb_ring()->ahead[file->ahead_slot - 1] : NULL;
}

struct lb_slot *lb_ahead_slot(const struct lb_file *file)
{
	return &lb_known()->slots[file->ahead_slot - 1];
}

bool lb_ahead_is_old(const struct lb_file *file)
{
	return __builtin_ia32_rdtsc() > lb_ahead_of(file)->until;
}

static bool is_same(const struct lb_file *a, const struct lb_file *b)
{
	return a->device == b->device && a->inode == b->inode;
}

bool lb_ahead_has(const struct lb_file *file)
{
	const struct lb_ring *ring = lb_ring();
	unsigned i;

	for (i = 0; i < LB_AHEAD_SLOTS; i++) {
		if (ring->ahead[i].fd >= 0 && is_same(lb_known_file((uint32_t)ring->ahead[i].fd), file))
			return true;
	}
	return false;
}

void lb_ahead_drop_file(const struct lb_file *file)
{
	const struct lb_ring *ring = lb_ring();
	unsigned i;

	for (i = 0; i < LB_AHEAD_SLOTS; i++) {
		struct lb_file *other = lb_known_file((uint32_t)ring->ahead[i].fd);

		if (ring->ahead[i].fd >= 0 && is_same(other, file))
			lb_ahead_release(other);
	}
}

void lb_ahead_release(struct lb_file *file)
{
	struct lb_ahead *ahead = lb_ahead_of(file);
	const struct lb_slot *slot = lb_ahead_slot(file);
	uint64_t offset = slot->offset + ahead->at;

	/* What was of use is the measure for the next time. */
	file->ahead_size = slot->used >= ahead->end ? file->ahead_size * 4 : slot->used * 2;
	if (file->ahead_size < AHEAD_SIZE_MIN)
		file->ahead_size = AHEAD_SIZE_MIN;
	if (file->ahead_size > LB_AHEAD_SIZE)
		file->ahead_size = LB_AHEAD_SIZE;
	lb_ring_tell_read();
	ahead->fd = -1;
	file->ahead_slot = 0;
	if (!slot->placed && lb_files_is_exclusive(file))
		lb_files_moved(file, offset);
}

void lb_ahead_drop_all(void)
{
	struct lb_ring *ring = lb_ring();
	unsigned i;

	if (ring == NULL)
		return;
	lb_known()->news++;
	for (i = 0; i < LB_AHEAD_SLOTS; i++) {
		if (ring->ahead[i].fd >= 0)
			lb_ahead_release(lb_known_file((uint32_t)ring->ahead[i].fd));
	}
}

static unsigned free_slot(void)
{
	static unsigned next;
	struct lb_ring *ring = lb_ring();
	unsigned i;

	for (i = 0; i < LB_AHEAD_SLOTS; i++) {
		if (ring->ahead[i].fd < 0)
			return i;
	}
	next = (next + 1) % LB_AHEAD_SLOTS;
	lb_ahead_release(lb_known_file((uint32_t)ring->ahead[next].fd));
	return next;
}

/* Has the bytes sent into a free slot. Returns how many have come, or a negative error. */
static int64_t fetch(uint32_t fd, unsigned slot, uint64_t offset, uint64_t size)
{
	struct lb_request request = {
		.number = LB_HOME_AHEAD, .flags = LB_CALL_RESULT_SIZE | 1u << LB_CALL_UNIT_SHIFT, .result_size = 1
	};
	uint64_t first = 0;
	struct iovec pieces[2] = { { &first, sizeof(first) }, { lb_ring_ahead(slot), size } };
	int64_t got;

	lb_request_value(&request, 0, fd);
	lb_request_memory(&request, 1, LB_ARG_OUT, 0, sizeof(first) + size);
	request.args[1].pieces = pieces;
	request.args[1].piece_count = 2;
	lb_request_value(&request, 2, offset);
	got = lb_request_run(&request);
	if (got < (int64_t)sizeof(first))
		return got < 0 ? got : -1;
	lb_known()->slots[slot].offset = first;
	return got - (int64_t)sizeof(first);
}

static bool may_read(const struct lb_file *file, uint64_t size, uint64_t offset)
{
	uint8_t wanted = offset == LB_NO_OFFSET ? LB_GRANT_READ | LB_GRANT_OFFSET : LB_GRANT_READ;

	return file != NULL && (file->grants & wanted) == wanted && size > 0 && size <= AHEAD_READ_MAX;
}

bool lb_ahead_read(uint32_t fd, uint64_t size, uint64_t offset)
{
	struct lb_file *file = lb_known_file(fd);
	uint64_t until = __builtin_ia32_rdtsc() + LB_KNOWN_TICKS;
	uint64_t news;
	struct lb_slot *slot;
	struct lb_ahead *ahead;
	unsigned index;
	int64_t got;

	if (!may_read(file, size, offset))
		return false;
	/* A place elsewhere in a file that is read at its offset: that is the one to keep, but there may be news. */
	if (offset != LB_NO_OFFSET && file->ahead_slot != 0 && !lb_ahead_slot(file)->placed)
		return false;
	if (file->ahead_slot != 0)
		lb_ahead_release(file);
	if (file->ahead_size < AHEAD_SIZE_MIN)
		file->ahead_size = AHEAD_SIZE_MIN;
	while (file->ahead_size < size)
		file->ahead_size *= 2;
	index = free_slot();
	news = ++lb_known()->news;
	got = fetch(fd, index, offset, file->ahead_size);
	/* An error: the call itself will tell. Or a signal has come meanwhile, maybe after the bytes were read. */
	if (got < 0 || lb_known()->news != news)
		return false;
	slot = &lb_known()->slots[index];
	slot->used = 0;
	slot->placed = offset != LB_NO_OFFSET;
	slot->is_end = got < (int64_t)file->ahead_size;
	ahead = &lb_ring()->ahead[index];
	ahead->at = 0;
	ahead->told = 0;
	ahead->telling_head = 0;
	ahead->end = (uint32_t)got;
	ahead->until = until;
	ahead->fd = (int32_t)fd;
	file->ahead_slot = (uint8_t)(index + 1);
	return true;
}
