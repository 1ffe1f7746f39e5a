/* control.h - The keeper's connection to its node's daemon. */
#ifndef LB_KEEPER_CONTROL_H
#define LB_KEEPER_CONTROL_H

#include "keeper.h"

/* Connects if it is time to, and sends what is to be told. */
void lb_keeper_control_push(struct lb_keeper *keeper);
/* control_fd is readable. */
void lb_keeper_control_read(struct lb_keeper *keeper);

#endif
