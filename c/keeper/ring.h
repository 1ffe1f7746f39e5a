/* ring.h - Flushes what the guest has written behind. */
#ifndef LB_KEEPER_RING_H
#define LB_KEEPER_RING_H

#include "keeper.h"

/* PARKED came with the guest's ring. Owns fd. */
void lb_ring_attach(struct lb_keeper *keeper, int fd);
void lb_ring_detach(struct lb_keeper *keeper);
/* The guest says that it has something to send. */
void lb_ring_written(struct lb_keeper *keeper);
/* Another link is about to be passed to the guest: nothing goes over it before the guest has said HELLO. */
void lb_ring_renewed(struct lb_keeper *keeper);
/* flush_at has come, or the link takes more: sends as much as the link takes. */
void lb_ring_flush(struct lb_keeper *keeper);
/* The guest has ended. Returns whether home may lack something: then a link is needed first. */
bool lb_ring_is_owed(struct lb_keeper *keeper);
/* A new link for a guest that has ended: sends the rest and waits until home has it. Owns fd.
 * Returns false when that link is lost too. */
bool lb_ring_finish(struct lb_keeper *keeper, int fd);

#endif
