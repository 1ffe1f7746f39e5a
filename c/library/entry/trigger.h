/* trigger.h - Signals that lb stands in front of. */
#ifndef LB_TRIGGER_H
#define LB_TRIGGER_H

#include "entry/signal_entry.h"

extern char lb_trigger_entry[] LB_HIDDEN;
/* One was delivered, also at home, where not everything need be blocked. Returns LB_ENTRY_*. */
uint64_t lb_trigger_arrived(int signal, siginfo_t *info, struct ucontext *context, struct lb_entry *entry) LB_HIDDEN;

/* At home, in the program's own context: does what it orders, as if it had been delivered here. */
void lb_order_taken(int signal, const siginfo_t *order) LB_HIDDEN;

#endif
