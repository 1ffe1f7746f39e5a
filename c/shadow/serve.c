/* serve.c - what the guest's messages make the shadow do. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "fault.h"
#include "backlog.h"
#include "control.h"
#include "end.h"
#include "execute.h"
#include "home.h"
#include "links.h"
#include "serve.h"
#include "signals.h"
#include "state.h"
#include "tickets.h"
#include "transfers.h"

#define REPLY_HEAD (sizeof(struct lb_link_header) + sizeof(struct lb_link_reply))

/* The last reply, kept until the next CALL. Its output is in its page where the program has it (transfers.c). */
static uint8_t reply_area[LB_PAGE + LB_LINK_DATA_SIZE_MAX + LB_PAGE] LB_LATER __attribute__((aligned(LB_PAGE)));
static uint8_t *reply_start;
static size_t reply_size;
_Static_assert(REPLY_HEAD <= LB_PAGE, "it is in front of the output");

void lb_serve_begin(struct lb_shadow_link *link)
{
	struct lb_link_serve serve = lb_serve_words();

	lb_shadow.live = link;
	if (!lb_link_tell(link, LB_LINK_SERVE, &serve, sizeof serve, false))
		lb_link_lost();
	if (lb_fault(LB_FAULT_SHADOW_SERVED) == LB_FAULT_DO_CUT && lb_shadow.live != NULL)
		lb_link_lost();
}

static void send_reply(void)
{
	if (lb_shadow.live == NULL)
		return; /* kept: the guest asks again over its next link */
	if (!lb_link_write(lb_shadow.live, reply_start, reply_size, false))
		lb_link_lost();
}

/* Returns false when the message is malformed. */
static bool handle_call(const struct lb_shadow_link *link, const struct lb_link_header *header)
{
	const struct lb_link_call *call = (const void *)(header + 1);
	const uint8_t *in = (const uint8_t *)(call + 1);
	struct lb_link_header reply_header = { .type = LB_LINK_REPLY, .seq = header->seq };
	struct lb_link_reply reply = { 0 };
	uint8_t *out;
	bool done;

	if (header->size < sizeof *call || header->size - sizeof *call != call->in_size)
		return false;
	if (header->seq == lb_shadow.executing_seq)
		return true; /* sent again over a new link while it is being executed */
	if (lb_shadow.executing_seq != 0 || header->seq < lb_shadow.last_seq || header->seq == 0)
		return false;
	if (header->seq == lb_shadow.last_seq) {
		if (reply_size == 0)
			return false; /* an earlier life's reply: the guest had it before it came home */
		lb_signals_relay();
		send_reply();
		return true;
	}
	lb_shadow.executing_seq = header->seq;
	lb_shadow.executing_in = link;
	lb_shadow.cancelled = false;
	out = reply_area + LB_PAGE + lb_transfer_offset(call);
	done = lb_execute(call, in, &reply, out);
	lb_shadow.executing_in = NULL;
	if (!done) {
		lb_shadow.executing_seq = 0;
		return false;
	}
	lb_shadow.last_seq = reply_header.seq;
	lb_shadow.executing_seq = 0;
	reply_header.size = (uint32_t)(sizeof reply + reply.out_size);
	reply_start = out - REPLY_HEAD;
	reply_size = REPLY_HEAD + reply.out_size;
	memcpy(reply_start, &reply_header, sizeof reply_header);
	memcpy(reply_start + sizeof reply_header, &reply, sizeof reply);
	/* What the call caused comes before its result: SIGPIPE, a signal to its own group. */
	lb_signals_collect();
	lb_signals_relay();
	send_reply();
	return true;
}

static bool handle_live(struct lb_shadow_link *link, const struct lb_link_header *header)
{
	const void *body = header + 1;

	if (lb_backlog_handles(header->type))
		return lb_shadow.executing_seq == 0 && lb_backlog_handle(header);
	if (header->type != LB_LINK_CANCEL)
		lb_backlog_applied(header->type == LB_LINK_CALL);
	switch (header->type) {
	case LB_LINK_CALL:
		return handle_call(link, header);
	case LB_LINK_CANCEL:
		if (header->seq == lb_shadow.executing_seq)
			lb_shadow.cancelled = true;
		return header->size == 0;
	case LB_LINK_ACTIONS:
		if (header->size != sizeof(struct lb_link_actions))
			return false;
		lb_signals_set(body);
		return true;
	case LB_LINK_PREPARE:
		if (header->size != sizeof(struct lb_link_ticket))
			return false;
		lb_ticket_prepare(link, body);
		return true;
	case LB_LINK_ABORT:
		if (header->size != sizeof(struct lb_link_ticket))
			return false;
		lb_ticket_abort(link, body);
		return true;
	case LB_LINK_HOME:
		if (header->size != 0 || lb_shadow.executing_seq != 0)
			return false;
		lb_home(link);
		reply_size = 0; /* it did not work, and the memory of the last reply was lent */
		return true;
	case LB_LINK_EXIT:
		if (header->size != sizeof(struct lb_link_status))
			return false;
		lb_end_exit(((const struct lb_link_status *)body)->code);
	default:
		return false;
	}
}

/* Returns false when the link is to be closed. */
static bool handle(struct lb_shadow_link *link, const struct lb_link_header *header)
{
	const void *body = header + 1;

	if (header->type == LB_LINK_HELLO) {
		struct lb_link_hello hello;

		if (header->size != sizeof hello)
			return false;
		memcpy(&hello, body, sizeof hello);
		hello.node[sizeof hello.node - 1] = '\0';
		lb_ticket_hello(link, &hello);
		return true;
	}
	if (header->type == LB_LINK_ACTIVATE) {
		if (header->size != sizeof(struct lb_link_ticket))
			return false;
		lb_ticket_activate(link, body);
		return true;
	}
	/* The fence: a link that is not live gets nothing done. */
	return link == lb_shadow.live && handle_live(link, header);
}

static void drop(struct lb_shadow_link *link)
{
	if (link == lb_shadow.live)
		lb_link_lost();
	else
		lb_link_close(link);
}

static void make_room(struct lb_shadow_link *link)
{
	if (link == lb_shadow.executing_in)
		return;
	if (link->have > link->taken)
		memmove(link->bytes, link->bytes + link->taken, link->have - link->taken);
	link->have -= link->have < link->taken ? link->have : link->taken;
	link->taken = 0;
}

void lb_serve_link(struct lb_shadow_link *link)
{
	bool open = lb_link_fill(link);
	const struct lb_link_header *header;
	bool bad = false;

	while (link->fd >= 0 && (header = lb_link_next(link, &bad)) != NULL) {
		int fd = link->fd;

		link->taken += sizeof *header + header->size; /* before: joining writes covers headers */
		bad = !handle(link, header);
		lb_control_tell();
		if (bad)
			break;
		if (link->fd != fd)
			break; /* closed, or another connection meanwhile */
	}
	if (link == lb_shadow.live && lb_shadow.executing_seq == 0)
		lb_backlog_applied(false);
	else
		lb_backlog_flush();
	if (link->fd < 0) {
		if (link != lb_shadow.executing_in)
			link->taken = 0;
		return;
	}
	make_room(link);
	if (bad || !open)
		drop(link);
}
