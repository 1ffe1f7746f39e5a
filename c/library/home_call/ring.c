/* ring.c - The guest's side of the ring.
 *
 * It is memory shared with the keeper, which sends it should the guest end.
 *
 * Runs in:  patched sites and the SIGSYS handler, never nested. The guest alone appends, and by one
 * store to `head`, so that its death at any instant leaves whole messages (c/include/lb_ring.h).
 */
#include "home_call/ring.h"

#include <linux/errno.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <asm/unistd.h>

#include "mem.h"
#include "socket.h"
#include "syscall.h"

#include "home_call/fast_copy.h"
#include "home_call/request.h"
#include "process/process.h"
#include "process/actions.h"

#define ADVANCE_SIZE (sizeof(struct lb_link_header) + sizeof(uint64_t))
/* Kept free by writes, so that ADVANCE always fits: twice, as a slot may be given up and used again. */
#define MARGIN (2 * LB_AHEAD_SLOTS * ADVANCE_SIZE)

static uint8_t *data_at(uint64_t position)
{
	return (uint8_t *)lb_self.ring_start + LB_RING_DATA_AT + position % LB_RING_SIZE;
}

static int64_t map(uint64_t at, uint64_t size, int fd, uint64_t offset)
{
	return lb_syscall6(__NR_mmap, at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
}

/* Returns the address, or a negative error. */
static int64_t map_all(int fd)
{
	int64_t at = lb_syscall6(
		__NR_mmap, 0, LB_RING_MEMORY_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int64_t result;

	if (at < 0)
		return at;
	result = map((uint64_t)at, LB_RING_MEMORY_MIRROR_AT, fd, 0);
	if (result >= 0)
		result = map((uint64_t)at + LB_RING_MEMORY_MIRROR_AT, LB_RING_SIZE, fd, LB_RING_DATA_AT);
	if (result >= 0)
		result = map((uint64_t)at + LB_RING_MEMORY_AHEAD_AT, LB_RING_MEMORY_SIZE - LB_RING_MEMORY_AHEAD_AT, fd,
			LB_RING_AHEAD_AT);
	if (result >= 0)
		return at;
	lb_syscall2(__NR_munmap, at, LB_RING_MEMORY_SIZE);
	return result;
}

int lb_ring_create(void)
{
	struct lb_ring *ring;
	int64_t fd = lb_syscall2(__NR_memfd_create, "lb-ring", MFD_CLOEXEC);
	int64_t at;
	unsigned i;

	lb_self.ring_start = 0;
	lb_self.ring_end = 0;
	if (fd < 0)
		return (int)fd;
	at = lb_syscall2(__NR_ftruncate, fd, LB_RING_FILE_SIZE);
	if (at >= 0)
		at = map_all((int)fd);
	if (at < 0) {
		lb_syscall1(__NR_close, fd);
		return (int)at;
	}
	lb_self.ring_start = (uint64_t)at;
	lb_self.ring_end = (uint64_t)at + LB_RING_MEMORY_SIZE;
	ring = lb_ring();
	ring->ticket = lb_self.ticket;
	ring->copy = lb_self.copy;
	lb_actions_summary(&ring->actions);
	for (i = 0; i < LB_AHEAD_SLOTS; i++)
		ring->ahead[i].fd = -1;
	ring->magic = LB_RING_MAGIC;
	return (int)fd;
}

bool lb_ring_go_on(uint64_t position)
{
	struct lb_ring *ring = lb_ring();

	if (ring == NULL)
		return true;
	if (position < ring->applied || position > ring->head)
		return false;
	LB_RING_STORE(ring->sent, position); /* the rest is sent again */
	LB_RING_STORE(ring->applied, position);
	LB_RING_STORE(ring->greeted, 1);
	return true;
}

bool lb_ring_room(uint64_t size)
{
	const struct lb_ring *ring = lb_ring();
	uint64_t messages = size / LB_RING_MESSAGE_MAX + 1;

	return ring->head - ring->applied + size + messages * LB_RING_WRITE_OVERHEAD + MARGIN <= LB_RING_SIZE;
}

static void put_header(uint64_t at, uint32_t type, uint32_t size, uint64_t seq)
{
	struct lb_link_header header = { type, size, seq };

	memcpy(data_at(at), &header, sizeof(header));
}

bool lb_ring_append_write(uint64_t *head, uint32_t fd, uint64_t from, uint64_t size, uint64_t offset)
{
	bool placed = offset != LB_NO_OFFSET;
	uint64_t at = *head;

	while (size > 0) {
		uint64_t part = size < LB_RING_MESSAGE_MAX ? size : LB_RING_MESSAGE_MAX;
		uint64_t padding = -part & 7;
		uint64_t before = placed ? sizeof(offset) : 0;

		put_header(at, placed ? LB_LINK_PLACE : LB_LINK_WRITE, (uint32_t)(before + part + padding),
			fd | padding << 32);
		at += sizeof(struct lb_link_header);
		if (placed)
			memcpy(data_at(at), &offset, sizeof(offset));
		at += before;
		if (!lb_fast_read(data_at(at), from, part))
			return false;
		at += part + padding;
		from += part;
		size -= part;
		offset += placed ? part : 0;
	}
	*head = at;
	return true;
}

static void wake_keeper(void)
{
	struct lb_keeper_message message = { LB_KEEPER_WRITTEN, lb_self.local_pid };

	/* A queue that is full is a keeper that has not looked yet. */
	lb_syscall6(
		__NR_sendto, lb_self.keeper_fd, &message, sizeof(message), LB_MSG_NOSIGNAL | LB_MSG_DONTWAIT, NULL, 0);
}

void lb_ring_publish(uint64_t head)
{
	struct lb_ring *ring = lb_ring();

	/* A full barrier: the keeper sets `idle` and then looks at `head`. */
	__atomic_store_n(&ring->head, head, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ring->idle, __ATOMIC_SEQ_CST)) {
		ring->idle = 0;
		wake_keeper();
	} else if (!ring->kicked && head - LB_RING_LOAD(ring->sent) >= LB_RING_KICK) {
		ring->kicked = 1;
		wake_keeper();
	}
}

void lb_ring_close(uint32_t fd)
{
	uint64_t head = lb_ring()->head;

	put_header(head, LB_LINK_CLOSE, 0, fd);
	lb_ring_publish(head + sizeof(struct lb_link_header));
}

static void put_number(uint32_t type, uint32_t fd, uint64_t value)
{
	uint64_t head = lb_ring()->head;

	put_header(head, type, sizeof(value), fd);
	memcpy(data_at(head + sizeof(struct lb_link_header)), &value, sizeof(value));
}

void lb_ring_seek(uint32_t fd, uint64_t offset)
{
	put_number(LB_LINK_SEEK, fd, offset);
	lb_ring_publish(lb_ring()->head + ADVANCE_SIZE);
}

void lb_ring_tell_read(void)
{
	struct lb_ring *ring = lb_ring();
	unsigned i;

	if (ring == NULL)
		return;
	for (i = 0; i < LB_AHEAD_SLOTS; i++) {
		struct lb_ahead *ahead = &ring->ahead[i];
		uint64_t count = (uint64_t)ahead->at - ahead->told; /* below zero: it has gone back */

		if (ahead->fd < 0 || count == 0)
			continue;
		/* Death between the two stores: the keeper sees by telling_head whether `head` was the last. */
		ahead->telling = ahead->at;
		LB_RING_STORE(ahead->telling_head, ring->head + ADVANCE_SIZE);
		put_number(LB_LINK_ADVANCE, (uint32_t)ahead->fd, count);
		LB_RING_STORE(ring->head, ring->head + ADVANCE_SIZE);
		LB_RING_STORE(ahead->told, ahead->at);
	}
}
