/* ending.h - Tells home that the guest has ended. */
#ifndef LB_KEEPER_ENDING_H
#define LB_KEEPER_ENDING_H

#include "keeper.h"

/* Home has all that it wrote: home is told how it ended. */
void lb_guest_tell_end(struct lb_keeper *keeper);

#endif
