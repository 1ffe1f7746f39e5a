/* tickets.c - Which copy of the process counts.
 *
 * Exactly one ticket is live at any time, and only this file changes it. A copy acts on the world through its link
 * alone, so a link that is not live gets nothing done.
 */
#define _GNU_SOURCE
#include <string.h>

#include "fault.h"
#include "backlog.h"
#include "links.h"
#include "signalfds.h"
#include "signals.h"
#include "state.h"
#include "tickets.h"

uint32_t lb_ticket_verdict(uint64_t ticket)
{
	if (ticket != 0 && (ticket == lb_shadow.state.live_ticket || ticket == lb_shadow.prepared_ticket))
		return LB_VERDICT_LIVE;
	return LB_VERDICT_DEAD;
}

/* The commit of a later move. Returns false when a fault point says so, with nothing changed. */
static bool activate(void)
{
	if (lb_fault(LB_FAULT_SHADOW_ACTIVATE) == LB_FAULT_DO_FAIL)
		return false;
	lb_shadow.state.live_ticket = lb_shadow.prepared_ticket;
	memcpy(lb_shadow.state.runs_on, lb_shadow.prepared_node, sizeof lb_shadow.state.runs_on);
	lb_shadow.prepared_ticket = 0;
	lb_backlog_begin();
	lb_shadow.state.signals_told = 0;
	if (lb_fault(LB_FAULT_SHADOW_ACTIVATED) == LB_FAULT_DO_CUT && lb_shadow.live != NULL)
		lb_link_close(lb_shadow.live);
	return true;
}

struct lb_link_serve lb_serve_words(void)
{
	return (struct lb_link_serve){ .backlog_at = lb_shadow.state.backlog_at,
		.signalfds = lb_signalfds(),
		.held = lb_shadow.state.held,
		.has_program = lb_shadow.state.has_program };
}

/* Makes `link` the live one in the place of another. */
static void take_over(struct lb_shadow_link *link, uint32_t answer)
{
	struct lb_shadow_link *old = lb_shadow.live;
	struct lb_link_serve serve = lb_serve_words();

	if (old != NULL && old != link) {
		/* Same ticket: its own old connection. Another ticket: the copy that is dead by now. */
		if (old->ticket != link->ticket)
			lb_link_tell(old, LB_LINK_MOVED, NULL, 0, true);
		lb_link_close(old);
	}
	lb_shadow.live = link;
	lb_shadow.waiting = false;
	if (!lb_link_tell(link, answer, &serve, sizeof serve, false)) {
		lb_link_lost();
		return;
	}
	lb_shadow.changed = true;
	if (lb_shadow.bring_home)
		lb_link_tell(link, LB_LINK_COME_HOME, NULL, 0, true);
}

/* Is the ticket of this link the live one, or does it become so now? If not the link is closed. */
static bool admit(struct lb_shadow_link *link, uint64_t ticket)
{
	if (lb_ticket_verdict(ticket) != LB_VERDICT_LIVE || ticket != link->ticket) {
		lb_link_tell(link, LB_LINK_MOVED, NULL, 0, false);
		lb_link_close(link);
		return false;
	}
	if (ticket == lb_shadow.prepared_ticket && !activate()) {
		lb_link_close(link);
		return false;
	}
	return true;
}

/* Two copies may show one ticket: an image that is restarted twice. The first to say HELLO is the one. */
static bool is_other_copy(const struct lb_link_hello *hello)
{
	return hello->ticket == lb_shadow.state.live_ticket && lb_shadow.state.live_copy != 0 &&
		hello->copy != lb_shadow.state.live_copy;
}

void lb_ticket_hello(struct lb_shadow_link *link, const struct lb_link_hello *hello)
{
	if (hello->ticket == link->ticket && is_other_copy(hello)) {
		lb_link_tell(link, LB_LINK_MOVED, NULL, 0, false);
		lb_link_close(link);
		return;
	}
	if (!admit(link, hello->ticket))
		return;
	/* Only now: a copy that is not admitted leaves no trace. */
	lb_shadow.state.live_copy = hello->copy;
	lb_signals_set(&hello->actions);
	lb_signals_again(hello->signals);
	if (hello->node[0] != '\0')
		memcpy(lb_shadow.state.runs_on, hello->node, sizeof hello->node);
	take_over(link, LB_LINK_SERVE);
}

void lb_ticket_activate(struct lb_shadow_link *link, const struct lb_link_ticket *body)
{
	if (admit(link, body->ticket))
		take_over(link, LB_LINK_ACTIVATED);
}

void lb_ticket_prepare(struct lb_shadow_link *link, const struct lb_link_ticket *body)
{
	lb_shadow.prepared_ticket = body->ticket;
	memcpy(lb_shadow.prepared_node, body->node, sizeof lb_shadow.prepared_node);
	lb_shadow.prepared_node[sizeof lb_shadow.prepared_node - 1] = '\0';
	lb_shadow.changed = true;
	lb_link_tell(link, LB_LINK_PREPARED, NULL, 0, false);
}

void lb_ticket_abort(struct lb_shadow_link *link, const struct lb_link_ticket *body)
{
	/* Only the live link is heard: whoever asks on it is the copy that counts. */
	if (body->ticket == lb_shadow.prepared_ticket) {
		lb_shadow.prepared_ticket = 0;
		lb_shadow.changed = true;
		/* A candidate that waits with this ticket is answered MOVED when it says HELLO. */
	}
	lb_link_tell(link, LB_LINK_ABORTED, NULL, 0, false);
}
