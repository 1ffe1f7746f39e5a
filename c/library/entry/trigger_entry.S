/* trigger_entry.S - The kernel's way into trigger.c. */
#include "entry/signal_handler.h"

	SIGNAL_HANDLER lb_trigger_entry, lb_trigger_arrived
