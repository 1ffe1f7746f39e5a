/* trigger.h - Signals that lb stands in front of. */
#ifndef LB_TRIGGER_H
#define LB_TRIGGER_H

#include "patch/signal_entry.h"

extern char lb_trigger_entry[] LB_HIDDEN;
/* One was delivered, also at home, where not everything need be blocked. Returns LB_ENTRY_*. */
uint64_t lb_trigger_arrived(int signal, struct lb_siginfo *info, uint64_t *context, struct lb_entry *entry) LB_HIDDEN;

#endif
