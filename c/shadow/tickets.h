/* tickets.h - Which copy of the process counts. */
#ifndef LB_SHADOW_TICKETS_H
#define LB_SHADOW_TICKETS_H

#include "state.h"

uint32_t lb_ticket_verdict(uint64_t ticket);
void lb_ticket_hello(struct lb_shadow_link *link, const struct lb_link_hello *hello);
void lb_ticket_activate(struct lb_shadow_link *link, const struct lb_link_ticket *body);
void lb_ticket_prepare(struct lb_shadow_link *link, const struct lb_link_ticket *body);
void lb_ticket_abort(struct lb_shadow_link *link, const struct lb_link_ticket *body);
/* What a copy hears when it becomes the live one. */
struct lb_link_serve lb_serve_words(void);

#endif
