/* signal_entry.S - The kernel's way into signal_entry.c. */
#include "entry/signal_handler.h"

	SIGNAL_HANDLER lb_signal_entry, lb_signal_arrived
