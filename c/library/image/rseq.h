/* rseq.h - the area of rseq(2), registered on each node. */
#ifndef LB_RSEQ_H
#define LB_RSEQ_H

#include "process/process.h"

/* At home: finds out which is registered. Returns 0 or -LB_E_RSEQ. */
int lb_rseq_take(void) LB_HIDDEN;
/* In the restored process: registers it again. */
void lb_rseq_give(void) LB_HIDDEN;
/* The one that was found out: the program's memory goes away. */
void lb_rseq_drop(void) LB_HIDDEN;

#endif
