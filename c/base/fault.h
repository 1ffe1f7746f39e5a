/* fault.h - numbered fault points of the C parts: LB_FAULT=NUMBER:ACTION makes one fail, once.
 *
 * Only in a build for tests (-DLB_FAULTS, tools/build_c.ts): in any other a point is nothing, and a
 * variable of that name is the user's.
 *
 * Freestanding: raw system calls only, no data of its own. A part that has fault points defines
 * `struct lb_fault_plan lb_fault_plan;` once, fills it by lb_fault_read(&lb_fault_plan, environ)
 * at its start, and asks lb_fault(LB_FAULT_...) at each point. Without LB_FAULT a point costs
 * one comparison. Code that can have no data (the restorer) carries a plan in its arguments and
 * asks lb_fault_at.
 */
#ifndef LB_FAULT_H
#define LB_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/unistd.h>

#include "lb_wire.h"
#include "syscall.h"

#define LB_FAULT_PAUSE_MS 1500
#define LB_SIGKILL 9 /* of asm/signal.h, which cannot be included beside <signal.h> */

/* What the caller of a fault point must do. Kill, hang and pause are done inside and never returned. */
enum lb_fault_action {
	LB_FAULT_NOTHING = 0,
	LB_FAULT_DO_KILL = 1,  /* SIGKILL to this process */
	LB_FAULT_DO_HANG = 2,  /* sleep for ever */
	LB_FAULT_DO_CUT = 3,   /* shut the stream down, then go on */
	LB_FAULT_DO_FAIL = 4,  /* take the error path, with -LB_E_FAULT */
	LB_FAULT_DO_PAUSE = 5, /* wait for LB_FAULT_PAUSE_MS, then go on: a slow network */
};

struct lb_fault_plan {
	uint32_t number; /* enum lb_fault of lb_wire.h; 0: none */
	uint32_t action; /* enum lb_fault_action */
};

extern struct lb_fault_plan lb_fault_plan __attribute__((visibility("hidden")));

static inline bool lb_fault_same(const char *text, const char *word)
{
	while (*word != '\0' && *text == *word) {
		text++;
		word++;
	}
	return *text == *word;
}

/* Parses "NUMBER:ACTION". Returns false, and plans nothing, for any other text. */
static inline bool lb_fault_parse(struct lb_fault_plan *plan, const char *text)
{
	uint32_t number = 0;
	uint32_t action = LB_FAULT_NOTHING;
	unsigned digits = 0;

	plan->number = 0;
	plan->action = LB_FAULT_NOTHING;
	for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++)
		number = number * 10 + (uint32_t)(*text - '0');
	if (digits == 0 || number == 0 || *text != ':')
		return false;
	text++;
	if (lb_fault_same(text, "kill"))
		action = LB_FAULT_DO_KILL;
	else if (lb_fault_same(text, "hang"))
		action = LB_FAULT_DO_HANG;
	else if (lb_fault_same(text, "cut"))
		action = LB_FAULT_DO_CUT;
	else if (lb_fault_same(text, "fail"))
		action = LB_FAULT_DO_FAIL;
	else if (lb_fault_same(text, "pause"))
		action = LB_FAULT_DO_PAUSE;
	else
		return false;
	plan->number = number;
	plan->action = action;
	return true;
}

/* Plans what LB_FAULT in this environment asks for. Returns false if it is there and malformed. */
static inline bool lb_fault_read(struct lb_fault_plan *plan, char *const *environment)
{
#ifdef LB_FAULTS
	static const char name[] = LB_VARIABLE_FAULT "=";

	plan->number = 0;
	plan->action = LB_FAULT_NOTHING;
	for (; environment != NULL && *environment != NULL; environment++) {
		const char *at = *environment;
		size_t i = 0;

		while (name[i] != '\0' && at[i] == name[i])
			i++;
		if (name[i] == '\0')
			return lb_fault_parse(plan, at + i);
	}
#else
	(void)environment;
	plan->number = 0;
	plan->action = LB_FAULT_NOTHING;
#endif
	return true;
}

/* A fault point. Returns LB_FAULT_NOTHING, LB_FAULT_DO_CUT or LB_FAULT_DO_FAIL.
 * Async-signal-safe. */
static inline uint32_t lb_fault_at(struct lb_fault_plan *plan, uint32_t number)
{
#ifdef LB_FAULTS
	uint32_t action = plan->action;
	int64_t pid;

	if (number == 0 || plan->number != number)
		return LB_FAULT_NOTHING;
	plan->number = 0;
	if (action == LB_FAULT_DO_KILL) {
		pid = lb_syscall0(__NR_getpid);
		lb_syscall2(__NR_kill, pid, LB_SIGKILL);
		action = LB_FAULT_DO_HANG; /* until it arrives */
	}
	while (action == LB_FAULT_DO_HANG)
		lb_syscall4(__NR_ppoll, 0, 0, 0, 0); /* again after a handler */
	if (action == LB_FAULT_DO_PAUSE) {
		int64_t time[2] = { LB_FAULT_PAUSE_MS / 1000, LB_FAULT_PAUSE_MS % 1000 * 1000000 };

		lb_syscall4(__NR_ppoll, 0, 0, time, 0);
		action = LB_FAULT_NOTHING;
	}
	return action;
#else
	(void)plan;
	(void)number;
	return LB_FAULT_NOTHING;
#endif
}

static inline uint32_t lb_fault(uint32_t number)
{
	return lb_fault_at(&lb_fault_plan, number);
}

#endif
