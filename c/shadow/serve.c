/* serve.c - what the guest's messages make the shadow do. */
#define _GNU_SOURCE
#include <string.h>

#include "fault.h"
#include "backlog.h"
#include "calls.h"
#include "control.h"
#include "end.h"
#include "home.h"
#include "links.h"
#include "serve.h"
#include "signals.h"
#include "state.h"
#include "threads.h"
#include "tickets.h"

void lb_serve_begin(struct lb_shadow_link *link)
{
	struct lb_link_serve serve = lb_serve_words();

	lb_shadow.live = link;
	if (!lb_link_tell(link, LB_LINK_SERVE, &serve, sizeof serve, false))
		lb_link_lost();
	if (lb_fault(LB_FAULT_SHADOW_SERVED) == LB_FAULT_DO_CUT && lb_shadow.live != NULL)
		lb_link_lost();
}

static bool handle_live(struct lb_shadow_link *link, const struct lb_link_header *header)
{
	const void *body = header + 1;

	if (lb_backlog_handles(header->type))
		return lb_shadow.executing_seq == 0 && lb_backlog_handle(header);
	if (header->type != LB_LINK_CANCEL && header->type != LB_LINK_CALL)
		lb_backlog_applied(false);
	switch (header->type) {
	case LB_LINK_CALL:
		return lb_call(link, header);
	case LB_LINK_CANCEL:
		lb_call_cancel(header->seq);
		return header->size == 0;
	case LB_LINK_ACTIONS:
		if (header->size != sizeof(struct lb_link_actions))
			return false;
		lb_signals_set(body);
		return true;
	case LB_LINK_PREPARE:
		if (header->size != sizeof(struct lb_link_ticket) || lb_shadow.outstanding > 0)
			return false;
		lb_ticket_prepare(link, body);
		return true;
	case LB_LINK_ABORT:
		if (header->size != sizeof(struct lb_link_ticket))
			return false;
		lb_ticket_abort(link, body);
		return true;
	case LB_LINK_HOME:
		if (header->size != 0 || lb_shadow.executing_seq != 0 || lb_shadow.outstanding > 0)
			return false;
		lb_guest_threads_park();
		lb_home(link);
		if (!lb_guest_threads_adopt())
			lb_end_lost("home has no memory for its threads");
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
