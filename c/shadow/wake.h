/* wake.h - A signal every second while time decides: calls may block for long */
#ifndef LB_SHADOW_WAKE_H
#define LB_SHADOW_WAKE_H

/* Starts or stops it, as the state asks for. */
void lb_wake_up(void);
/* The timer behind it is gone, until it is needed again: the program must not inherit it. */
void lb_wake_never(void);

#endif
