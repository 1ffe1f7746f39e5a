/* birth.c - Makes a child of a guest's image, for fork(2).
 *
 * It becomes a process here at home, a child of this one.
 *
 * The child (home.c) reads the image from a socket, as on the way home; this process passes on what comes over the
 * link and keeps it in a file. The next image then tells only of what has changed since (LB_IMAGE_RUN_KEPT), and that
 * is little: a shell forks for each command. The child copies its pages from the file: what lies there is never
 * changed, new pages come behind. Whether there is a child is decided here: it is there when it says
 * RUNNING. However its birth ends, the link is read up to the end of the image, and goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"
#include "lb_image.h"
#include "birth.h"
#include "descriptors.h"
#include "home.h"
#include "last_image.h"
#include "links.h"
#include "signals.h"
#include "state.h"
#include "read.h"
#include "transfer.h"

/* The image on its way. */
static struct {
	int link_fd, child_fd;
	bool child_reads; /* as long as it lives */
	size_t at, end;   /* unread bytes of `bytes` */
	uint8_t bytes[65536];
} relay;

/* ---- from the link, to the child ---- */

static bool take(void *to, size_t size)
{
	uint8_t *into = to;

	while (size > 0) {
		size_t have = relay.end - relay.at;
		ssize_t got;

		if (have == 0 && size >= sizeof relay.bytes)
			return lb_read_exactly(relay.link_fd, into, size) == 0;
		if (have == 0) {
			got = recv(relay.link_fd, relay.bytes, sizeof relay.bytes, 0);
			if (got == 0 || (got < 0 && errno != EINTR))
				return false;
			relay.at = 0;
			relay.end = got > 0 ? (size_t)got : 0;
			continue;
		}
		have = have < size ? have : size;
		memcpy(into, relay.bytes + relay.at, have);
		relay.at += have;
		into += have;
		size -= have;
	}
	return true;
}

static void give(const void *data, size_t size)
{
	relay.child_reads = relay.child_reads && lb_send_all(relay.child_fd, data, size);
}

/* How many pages from this one on lie in a row, at most `most`; they are noted. 0: the image is malformed. */
static uint32_t row_of(uint64_t at, uint32_t most, bool is_new, uint32_t *first)
{
	uint32_t count = 0;

	for (; count < most; count++) {
		int64_t slot = is_new ? lb_last_image.slots_used : lb_last_image_slot(at + (uint64_t)count * LB_PAGE);

		if (slot < 0 || slot == LB_LAST_IMAGE_PAGES_MAX || (count > 0 && slot != (int64_t)*first + count))
			break;
		lb_last_image.slots_used += is_new;
		*first = count == 0 ? (uint32_t)slot : *first;
		if (!lb_last_image_note(at + (uint64_t)count * LB_PAGE, (uint32_t)slot))
			return 0;
	}
	return count;
}

static bool pass_pages(const struct lb_image_run *whole, bool is_new)
{
	uint64_t flags = (whole->size & LB_IMAGE_RUN_FILE) | LB_IMAGE_RUN_KEPT;
	struct lb_image_run run = { whole->start, whole->size & ~LB_IMAGE_RUN_FLAGS };

	for (uint64_t end = run.start + run.size; run.start < end; run.start += run.size) {
		uint32_t first = 0;
		uint32_t count = row_of(run.start, (uint32_t)((end - run.start) / LB_PAGE), is_new, &first);
		struct {
			struct lb_image_run run;
			uint64_t at;
		} lying;

		run.size = (uint64_t)count * LB_PAGE;
		if (count == 0 || (is_new && !take(lb_last_image.memory + (size_t)first * LB_PAGE, run.size)))
			return false;
		lying.run = run;
		lying.run.size |= flags;
		lying.at = (uint64_t)first * LB_PAGE;
		give(&lying, sizeof lying);
	}
	return true;
}

/* Where nothing is lb_last_image. */
static bool pass_bytes(uint64_t size)
{
	static uint8_t bytes[65536];

	while (size > 0) {
		size_t piece = size < sizeof bytes ? size : sizeof bytes;

		if (!take(bytes, piece))
			return false;
		give(bytes, piece);
		size -= piece;
	}
	return true;
}

static bool pass_runs(void)
{
	struct lb_image_run run;

	for (;;) {
		uint64_t size;
		bool is_kept;

		if (!take(&run, sizeof run))
			return false;
		if (run.size & LB_IMAGE_RUN_GUARD) { /* none of it lies anywhere */
			give(&run, sizeof run);
			continue;
		}
		is_kept = (run.size & LB_IMAGE_RUN_KEPT) != 0;
		run.size &= ~LB_IMAGE_RUN_KEPT;
		size = run.size & ~LB_IMAGE_RUN_FLAGS;
		if ((run.start | size) % LB_PAGE != 0 || size > LB_LAST_IMAGE_SIZE_MAX ||
			(is_kept && lb_last_image.id == 0))
			return false;
		if (lb_last_image.id == 0 || size == 0)
			give(&run, sizeof run);
		if (size == 0)
			return true;
		if (lb_last_image.id == 0 && !pass_bytes(size))
			return false;
		if (lb_last_image.id != 0 && !pass_pages(&run, !is_kept))
			return false;
	}
}

/* All of the guest's image, and the GO behind it. False: the link is of no more use. */
static bool pass_image(struct lb_link_header *go_header, struct lb_link_go *go)
{
	static struct lb_image_segment table[LB_SEGMENTS_MAX];
	struct lb_image_header header;

	relay.at = relay.end = 0;
	if (!take(&header, sizeof header) || header.segments > LB_SEGMENTS_MAX ||
		!take(table, header.segments * sizeof *table))
		return false;
	give(&header, sizeof header);
	give(table, header.segments * sizeof *table);
	if (header.files_size > LB_IMAGE_FILES_SIZE_MAX || !pass_bytes(header.files_size))
		return false;
	return pass_runs() && take(go_header, sizeof *go_header) && go_header->type == LB_LINK_GO &&
		go_header->size == sizeof *go && take(go, sizeof *go);
}

/* ---- the birth ---- */

/* The child's next message must be this one. */
static bool expect(uint32_t type, void *body, size_t size)
{
	struct lb_link_header header;

	return relay.child_reads && lb_read_exactly(relay.child_fd, &header, sizeof header) == 0 &&
		header.type == type && header.size == size && lb_read_exactly(relay.child_fd, body, size) == 0;
}

/* Starts a child. Returns its PID once it waits for its image, or a negative error; 0: it could not begin. */
static int64_t begin_child(void)
{
	int ends[2];
	int64_t pid;

	if (!lb_make_pair(ends))
		return -EAGAIN;
	pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		close(ends[0]);
		lb_home_child(ends[1]);
	}
	pid = pid < 0 ? -errno : pid;
	close(ends[1]);
	lb_fault_plan.number = 0; /* tests: what was planned is the child's to do, once */
	relay.child_fd = ends[0];
	relay.child_reads = pid > 0;
	lb_link_lend(ends[0]);
	if (expect(LB_LINK_READY, NULL, 0))
		return pid;
	close(ends[0]);
	if (pid > 0)
		lb_signals_drop_child((pid_t)pid);
	return pid < 0 ? pid : 0;
}

static bool finish_child(const struct lb_link_header *go_header, const struct lb_link_go *go)
{
	struct lb_link_running running;

	if (!expect(LB_LINK_MAPPED, NULL, 0))
		return false;
	give(go_header, sizeof *go_header);
	give(go, sizeof *go);
	return expect(LB_LINK_RUNNING, &running, sizeof running);
}

void lb_birth(struct lb_link_reply *reply)
{
	struct lb_shadow_link *link = lb_shadow.live;
	struct lb_link_header go_header;
	struct lb_link_go go;
	int64_t pid;
	bool whole;

	reply->result = -EAGAIN;
	if (link == NULL)
		return; /* lost by now: the guest asks again over its next link */
	lb_last_image_begin();
	pid = begin_child();
	if (pid <= 0) {
		reply->flags = pid == 0 ? LB_REPLY_NO_CHILD : 0;
		reply->result = pid < 0 ? pid : -EAGAIN;
		return;
	}
	lb_signals_watch(link->fd, false);
	lb_link_lend(link->fd);
	relay.link_fd = link->fd;
	whole = lb_link_tell(link, LB_LINK_READY, &lb_last_image.id, sizeof lb_last_image.id, false) &&
		pass_image(&go_header, &go);
	if (whole)
		lb_last_image_end();
	else
		lb_last_image_forget();
	lb_link_give_back(link->fd);
	if (whole && finish_child(&go_header, &go))
		reply->result = pid;
	else
		reply->flags = LB_REPLY_NO_CHILD;
	close(relay.child_fd);
	if (reply->flags != 0)
		lb_signals_drop_child((pid_t)pid);
	if (!whole)
		lb_link_lost();
}
