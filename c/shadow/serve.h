/* serve.h - What the guest's messages make the shadow do. */
#ifndef LB_SHADOW_SERVE_H
#define LB_SHADOW_SERVE_H

#include "state.h"

/* Handles the messages that lie in a link. */
void lb_serve_link(struct lb_shadow_link *link);
void lb_serve_begin(struct lb_shadow_link *link); /* sends SERVE: this link is the live one */

#endif
