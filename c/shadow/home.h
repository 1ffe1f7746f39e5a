/* home.h - The process comes home. */
#ifndef LB_SHADOW_HOME_H
#define LB_SHADOW_HOME_H

#include "state.h"

void lb_home(struct lb_shadow_link *link);
/* In a child: becomes the copy of the guest that comes over `fd`. */
_Noreturn void lb_home_child(int fd);

#endif
