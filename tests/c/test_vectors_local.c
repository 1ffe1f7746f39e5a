/* test_vectors_local.c - The local messages' layout, by the golden vectors. Units:
 *
 * tests/vectors/vectors.ts says what field number i of a vector holds.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "lb_wire.h"

static int field;
static int checked; /* vectors so far */

#define MESSAGE(name, id) \
	struct lb_local_##name m; \
	memset(&m, 0, sizeof m); \
	field = 0; \
	m.type = (id); \
	m.size = sizeof m
#define U32(name) (m.name = 0x01020300u + (uint32_t)field++)
#define U64(name) (m.name = 0x0102030405060700u + (uint64_t)field++)
#define I32(name) (m.name = -(100 + field++))
#define TEXT(name, text) (strcpy(m.name, text), field++)
#define IS_VECTOR(file) check_vector("tests/vectors/local_" file ".hex", &m, sizeof m)

/* Reads hex bytes; `#` starts a comment. Returns how many there are. */
static size_t read_vector(const char *path, uint8_t *bytes, size_t size_max)
{
	FILE *file = fopen(path, "r");
	bool comment = false;
	char digits[3] = "";
	size_t size = 0;
	int c;

	if (file == NULL)
		fprintf(stderr, "cannot open %s: run the tests in the repository's root\n", path);
	CHECK(file != NULL);
	while ((c = fgetc(file)) != EOF) {
		comment = c == '#' || (comment && c != '\n');
		if (comment || isspace(c))
			continue;
		CHECK(isxdigit(c));
		digits[strlen(digits)] = (char)c;
		if (strlen(digits) < 2)
			continue;
		CHECK(size < size_max);
		bytes[size++] = (uint8_t)strtoul(digits, NULL, 16);
		memset(digits, 0, sizeof digits);
	}
	CHECK_EQUAL(strlen(digits), 0);
	fclose(file);
	return size;
}

static void check_vector(const char *path, const void *message, size_t size)
{
	uint8_t wanted[LB_LOCAL_MESSAGE_SIZE_MAX];
	const uint8_t *actual = message;

	checked++;
	CHECK_EQUAL(read_vector(path, wanted, sizeof wanted), size);
	for (size_t i = 0; i < size; i++) {
		if (actual[i] != wanted[i])
			fprintf(stderr, "%s: byte %zu differs\n", path, i);
		CHECK_EQUAL(actual[i], wanted[i]);
	}
}

static void programs(void)
{
	{
		MESSAGE(register, LB_LOCAL_REGISTER);
		U64(start_ticks), U32(pid), U32(abi_version);
		IS_VECTOR("register");
	}
	{
		MESSAGE(stays, LB_LOCAL_STAYS);
		U64(start_ticks), U32(pid), U32(obstacle), TEXT(program, "program");
		IS_VECTOR("stays");
	}
	{
		MESSAGE(ack, LB_LOCAL_ACK);
		I32(code), U32(flags);
		IS_VECTOR("ack");
	}
	{
		MESSAGE(fetch, LB_LOCAL_FETCH);
		U64(order_id), U32(pid), U32(zero);
		IS_VECTOR("fetch");
	}
	{
		MESSAGE(order, LB_LOCAL_ORDER);
		U64(order_id), U64(ticket), U64(start_ticks), U64(last_ran_ns), U64(switches);
		U32(kind), U32(home_pid);
		U32(io_timeout_ms), U32(reconnect_limit_ms);
		TEXT(home_node, "homeNode"), TEXT(destination, "destination");
		IS_VECTOR("order");
	}
	{
		MESSAGE(report, LB_LOCAL_REPORT);
		U64(order_id), U64(ticket), U64(bytes), U64(freeze_us), U32(outcome), I32(error);
		U32(step), U32(detail);
		IS_VECTOR("report");
	}
	{
		MESSAGE(came_home, LB_LOCAL_CAME_HOME);
		U64(start_ticks), U64(ticket), U64(cpu_us), U64(request), U32(pid), U32(system_call);
		IS_VECTOR("came_home");
	}
}

static void shadows_and_keepers(void)
{
	{
		MESSAGE(shadow, LB_LOCAL_SHADOW);
		U64(start_ticks), U64(live_ticket), U64(prepared_ticket), U32(pid), U32(state);
		TEXT(home_node, "homeNode"), TEXT(runs_on, "runsOn"), TEXT(program, "program");
		IS_VECTOR("shadow");
	}
	{
		MESSAGE(link, LB_LOCAL_LINK);
		U64(ticket), U64(start_ticks), TEXT(node, "node");
		IS_VECTOR("link");
	}
	{
		MESSAGE(verdict, LB_LOCAL_VERDICT);
		U64(ticket), U32(verdict), U32(zero);
		IS_VECTOR("verdict");
	}
	{
		MESSAGE(bring_home, LB_LOCAL_BRING_HOME);
		U64(ticket), U64(zero64);
		IS_VECTOR("bring_home");
	}
	{
		MESSAGE(guest_ended, LB_LOCAL_GUEST_ENDED);
		U64(start_ticks), U64(ticket), U32(home_pid), U32(wait_status);
		TEXT(home_node, "homeNode");
		IS_VECTOR("guest_ended");
	}
	{
		MESSAGE(keeper, LB_LOCAL_KEEPER);
		U64(start_ticks), U64(ticket), U64(guest_start_ticks), U32(keeper_pid);
		U32(guest_pid), U32(home_pid), U32(state);
		TEXT(home_node, "homeNode"), TEXT(program, "program");
		IS_VECTOR("keeper");
	}
	{
		MESSAGE(need_link, LB_LOCAL_NEED_LINK);
		U64(start_ticks), U64(ticket), U32(home_pid), U32(zero);
		TEXT(home_node, "homeNode");
		IS_VECTOR("need_link");
	}
	{
		MESSAGE(lost_link, LB_LOCAL_LOST_LINK);
		U64(ticket), U64(zero64), TEXT(node, "node");
		IS_VECTOR("lost_link");
	}
	{
		MESSAGE(inquire, LB_LOCAL_INQUIRE);
		U64(ticket), U64(zero64);
		IS_VECTOR("inquire");
	}
}

static void none_is_missing(void)
{
	DIR *folder = opendir("tests/vectors");
	struct dirent *entry;
	int count = 0;

	CHECK(folder != NULL);
	while ((entry = readdir(folder)) != NULL)
		count += strncmp(entry->d_name, "local_", 6) == 0;
	closedir(folder);
	CHECK_EQUAL(checked, count);
}

int main(void)
{
	run_case("messages of programs lie in C as the vectors say", programs);
	run_case("messages of shadows and keepers lie in C as the vectors say", shadows_and_keepers);
	run_case("every local message has been compared", none_is_missing);
	return 0;
}
