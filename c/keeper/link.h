/* link.h - Loses and replaces the guest's link. */
#ifndef LB_KEEPER_LINK_H
#define LB_KEEPER_LINK_H

#include "keeper.h"

/* The link has ended, as poll says: either it is lost or the guest is about to end. */
void lb_keeper_link_lost(struct lb_keeper *keeper);
/* The guest asks for a link. */
void lb_link_asked(struct lb_keeper *keeper);
/* Asks the daemon for a link. */
void lb_link_needed(struct lb_keeper *keeper);
/* The daemon has one: passes it to the guest. Owns fd. */
void lb_link_arrived(struct lb_keeper *keeper, int fd);

#endif
