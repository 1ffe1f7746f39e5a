/* ring.c - Flushes what the guest has written behind.
 *
 * c/include/lb_ring.h. Within some milliseconds while it lives, and all of it after its end, whatever ended it.
 *
 * While the guest lives nothing here waits: what the link does not take now is sent when it does. After its end
 * the rest goes over a new link, as nobody knows how far the guest was in a message on the old one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "keeper.h"
#include "read.h"
#include "ring.h"
#include "transfer.h"

#define ADVANCE_SIZE (sizeof(struct lb_link_header) + sizeof(uint64_t))
#define SEND_MAX (512u << 10)
#define BUSY_MS 1 /* until the next attempt while the guest itself sends */

static uint8_t *data_at(const struct lb_keeper *keeper, uint64_t position)
{
	return (uint8_t *)keeper->ring + LB_RING_DATA_AT + position % LB_RING_SIZE;
}

void lb_ring_attach(struct lb_keeper *keeper, int fd)
{
	struct stat status;
	struct lb_ring *ring = MAP_FAILED;

	/* From the guest, which is the program's: not to be trusted with our life. */
	if (keeper->ring == NULL && fstat(fd, &status) == 0 && status.st_size == LB_RING_FILE_SIZE)
		ring = mmap(NULL, LB_RING_AHEAD_AT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (ring == MAP_FAILED)
		return;
	keeper->ring = ring;
	if (ring->magic != LB_RING_MAGIC)
		lb_ring_detach(keeper);
	else
		__atomic_store_n(&ring->idle, 1, __ATOMIC_SEQ_CST);
}

void lb_ring_detach(struct lb_keeper *keeper)
{
	if (keeper->ring != NULL)
		munmap(keeper->ring, LB_RING_AHEAD_AT);
	keeper->ring = NULL;
	keeper->flush_at = LB_NEVER;
}

void lb_ring_written(struct lb_keeper *keeper)
{
	int64_t now = lb_keeper_now_ms();

	if (keeper->ring == NULL || keeper->link.is_full)
		return;
	if (keeper->ring->head - keeper->ring->sent >= LB_RING_KICK)
		keeper->flush_at = now;
	else if (keeper->flush_at == LB_NEVER)
		keeper->flush_at = now + LB_RING_DELAY_MS;
}

void lb_ring_renewed(struct lb_keeper *keeper)
{
	if (keeper->ring == NULL)
		return;
	LB_RING_STORE(keeper->ring->greeted, 0);
	keeper->link.is_full = false;
	keeper->flush_at = lb_keeper_now_ms() + LB_RING_DELAY_MS;
}

/* Bytes that may be sent now in one piece. */
static size_t next_piece(const struct lb_keeper *keeper)
{
	uint64_t at = keeper->ring->sent % LB_RING_SIZE;
	uint64_t size = LB_RING_LOAD(keeper->ring->head) - keeper->ring->sent;

	if (size > LB_RING_SIZE - at)
		size = LB_RING_SIZE - at;
	return size < SEND_MAX ? size : SEND_MAX;
}

/* Sends without waiting. Returns 0: all is sent; else errno. */
static int send_some(struct lb_keeper *keeper)
{
	struct lb_ring *ring = keeper->ring;
	size_t size;

	while ((size = next_piece(keeper)) > 0) {
		ssize_t sent = send(keeper->link.fd, data_at(keeper, ring->sent), size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0)
			return errno;
		LB_RING_STORE(ring->sent, ring->sent + (uint64_t)sent);
	}
	return 0;
}

void lb_ring_flush(struct lb_keeper *keeper)
{
	struct lb_ring *ring = keeper->ring;
	int error;

	keeper->flush_at = LB_NEVER;
	keeper->link.is_full = false;
	if (ring == NULL || keeper->guest_fd < 0)
		return;
	if (!keeper->link.watched || keeper->link.needed)
		return; /* the next link brings us back: lb_ring_renewed() */
	if (!lb_ring_take(ring, LB_SENDER_KEEPER)) {
		keeper->flush_at = lb_keeper_now_ms() + BUSY_MS; /* the guest sends, and does our work */
		return;
	}
	if (!LB_RING_LOAD(ring->greeted)) {
		lb_ring_leave(ring);
		keeper->flush_at = lb_keeper_now_ms() + LB_RING_DELAY_MS;
		return;
	}
	LB_RING_STORE(ring->kicked, 0);
	error = send_some(keeper);
	lb_ring_leave(ring);
	if (error == EAGAIN || error == EWOULDBLOCK) {
		keeper->link.is_full = true;
		return;
	}
	if (error != 0)
		return; /* poll says so too: the guest gets a new link, and sends all that home lacks */
	__atomic_store_n(&ring->idle, 1, __ATOMIC_SEQ_CST);
	/* Something more before the guest could see that: then nobody wakes us. */
	if (__atomic_load_n(&ring->head, __ATOMIC_SEQ_CST) != ring->sent &&
		__atomic_exchange_n(&ring->idle, 0, __ATOMIC_SEQ_CST) == 1)
		keeper->flush_at = lb_keeper_now_ms() + LB_RING_DELAY_MS;
}

/* What the guest has read and not told: its place is ours now. */
static void append_advances(struct lb_ring *ring, uint8_t *data)
{
	for (unsigned i = 0; i < LB_AHEAD_SLOTS; i++) {
		struct lb_ahead *ahead = &ring->ahead[i];
		struct {
			struct lb_link_header header;
			uint64_t count;
		} message = { { LB_LINK_ADVANCE, sizeof message.count, (uint32_t)ahead->fd }, 0 };
		const uint8_t *bytes = (const uint8_t *)&message;

		if (ahead->fd < 0)
			continue;
		if (ahead->telling_head == ring->head)
			ahead->told = ahead->telling;
		message.count = (uint64_t)ahead->at - ahead->told; /* below zero: it has gone back */
		if (ahead->at == ahead->told || ahead->at > LB_AHEAD_SIZE || ahead->told > LB_AHEAD_SIZE)
			continue;
		for (size_t at = 0; at < sizeof message; at++) /* there is room: c/library/home_call/ring.c */
			data[(ring->head + at) % LB_RING_SIZE] = bytes[at];
		ring->head += sizeof message;
		ahead->told = ahead->at;
	}
}

bool lb_ring_is_owed(struct lb_keeper *keeper)
{
	struct lb_ring *ring = keeper->ring;

	keeper->flush_at = LB_NEVER;
	keeper->link.is_full = false;
	if (ring == NULL)
		return false;
	append_advances(ring, data_at(keeper, 0));
	if (ring->head == ring->applied)
		return false;
	if (keeper->options.control_path != NULL)
		return true;
	/* Nobody to get a link from: the old one, if the guest was not in the middle of it. */
	if (ring->sender != LB_SENDER_GUEST && keeper->link.fd >= 0 && send_some(keeper) == 0)
		return false;
	lb_keeper_say("Cannot send home all that '%s' wrote as the link must be whole: it is not", keeper->program);
	return false;
}

/* Receives one message. Returns its type; 0: the link is lost. `body` holds 256 bytes. */
static uint32_t receive(int fd, struct lb_link_header *header, void *body)
{
	if (lb_read_exactly(fd, header, sizeof *header) != 0)
		return 0;
	if (header->size > 256 || header->type == LB_LINK_MOVED)
		return 0;
	return lb_read_exactly(fd, body, header->size) == 0 ? header->type : 0;
}

/* Says HELLO in the guest's place. Returns whether home serves it, and from where on. */
static bool greet(const struct lb_keeper *keeper, int fd, uint64_t *position)
{
	struct {
		struct lb_link_header header;
		struct lb_link_hello hello;
	} message = { { LB_LINK_HELLO, sizeof message.hello, 0 },
		{ .ticket = keeper->options.ticket,
			.copy = keeper->ring->copy,
			.signals = UINT64_MAX, /* the guest has ended */
			.actions = keeper->ring->actions } };
	union {
		struct lb_link_serve serve;
		uint8_t bytes[256];
	} body;
	struct lb_link_header header;
	uint32_t type;

	memcpy(message.hello.node, keeper->options.node, sizeof message.hello.node);
	if (!lb_send_all(fd, &message, sizeof message))
		return false;
	do
		type = receive(fd, &header, &body);
	while (type != 0 && type != LB_LINK_SERVE);
	if (type == 0 || header.size != sizeof body.serve)
		return false;
	*position = body.serve.backlog_at;
	return true;
}

bool lb_ring_finish(struct lb_keeper *keeper, int fd)
{
	struct lb_ring *ring = keeper->ring;
	struct timeval limit = { keeper->options.io_timeout_ms / 1000, 0 };
	union {
		struct lb_link_applied applied;
		uint8_t bytes[256];
	} body;
	struct lb_link_header header;
	uint64_t position;
	uint32_t type = LB_LINK_SERVE;
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on); /* doorbells are part of their messages */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (keeper->link.fd >= 0)
		close(keeper->link.fd);
	keeper->link.fd = fd;
	if (!greet(keeper, fd, &position) || position > ring->head || ring->head - position > LB_RING_SIZE)
		return false;
	LB_RING_STORE(ring->sent, position);
	LB_RING_STORE(ring->applied, position);
	while (ring->sent != ring->head) {
		size_t size = next_piece(keeper);

		if (!lb_send_all(fd, data_at(keeper, ring->sent), size))
			return false;
		ring->sent += size;
	}
	while (ring->applied != ring->head && type != 0) {
		type = receive(fd, &header, &body);
		if (type == LB_LINK_APPLIED && header.size == sizeof body.applied)
			ring->applied = body.applied.backlog_at;
	}
	return ring->applied == ring->head;
}
