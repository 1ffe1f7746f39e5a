/* control.h - The shadow's connection to its daemon. */
#ifndef LB_SHADOW_CONTROL_H
#define LB_SHADOW_CONTROL_H

#include "state.h"

void lb_control_push(void); /* connects if it is time to, tells what is to be told */
void lb_control_read(void);
void lb_control_tell(void); /* what has changed since: the state, and that the link is lost */
void lb_control_close(void);

#endif
