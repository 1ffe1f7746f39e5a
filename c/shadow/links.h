/* links.h - Connections to guests. */
#ifndef LB_SHADOW_LINKS_H
#define LB_SHADOW_LINKS_H

#include "state.h"

void lb_links_init(void);
struct lb_shadow_link *lb_link_add(int fd, uint64_t ticket); /* NULL: no room; fd is closed then */
void lb_link_close(struct lb_shadow_link *link);
/* Receives what is there. Returns false when the link is broken. */
bool lb_link_fill(struct lb_shadow_link *link);
/* The next complete message, NULL: none yet. `*bad`: the peer does not speak our language. */
const struct lb_link_header *lb_link_next(struct lb_shadow_link *link, bool *bad);
/* Sends all of it; urgent: ring the doorbell with the last byte. Returns false when the link is broken. */
bool lb_link_write(struct lb_shadow_link *link, const void *data, size_t size, bool urgent);
bool lb_link_tell(struct lb_shadow_link *link, uint32_t type, const void *body, size_t size, bool urgent);
bool lb_link_tell_seq(
	struct lb_shadow_link *link, uint32_t type, uint64_t seq, const void *body, size_t size, bool urgent);
/* For an image on it, which has time limits; and back. */
void lb_link_lend(int fd);
void lb_link_give_back(int fd);
/* The live link is gone: asks the daemon. */
void lb_link_lost(void);

#endif
