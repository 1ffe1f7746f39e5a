/* birth.h - A child that is a copy of the guest. */
#ifndef LB_SHADOW_BIRTH_H
#define LB_SHADOW_BIRTH_H

#include "state.h"

void lb_birth(struct lb_link_reply *reply); /* LB_HOME_FORK */

#endif
