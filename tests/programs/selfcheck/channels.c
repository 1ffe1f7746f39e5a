/* channels.c - descriptors that cannot seek: pipes, eventfd, devices. */
#include "selfcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int pipe_ends[2], event;
static long held; /* a record that stays in the pipe from one round to the next */

static void setup(void)
{
	event = eventfd(5, EFD_NONBLOCK);
	if (event < 0 || pipe(pipe_ends) < 0 || write(pipe_ends[1], &held, sizeof held) != sizeof held) {
		perror("selfcheck: cannot set up channels");
		exit(2);
	}
}

static void check_pipe(long round)
{
	static char big[30000], back[30000];
	size_t got = 0;
	long found = -1, next = round;

	CHECK(write(pipe_ends[1], &next, sizeof next) == sizeof next, "pipe write: errno %d", errno);
	CHECK(read(pipe_ends[0], &found, sizeof found) == sizeof found && found == held, "the pipe held %ld, not %ld",
		found, held);
	CHECK(read(pipe_ends[0], &found, sizeof found) == sizeof found && found == round, "the pipe gave %ld, not %ld",
		found, round);
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)pattern_of((uint64_t)round + i);
	CHECK(write(pipe_ends[1], big, sizeof big) == (ssize_t)sizeof big, "pipe write: errno %d", errno);
	while (got < sizeof back) {
		ssize_t count = read(pipe_ends[0], back + got, sizeof back - got);

		CHECK(count > 0, "pipe read: %zd, errno %d", count, errno);
		if (count <= 0)
			break;
		got += (size_t)count;
	}
	CHECK(memcmp(big, back, sizeof big) == 0, "the pipe changed what went through it");
	held = round;
	CHECK(write(pipe_ends[1], &held, sizeof held) == sizeof held, "pipe write: errno %d", errno);
}

static void check_event(void)
{
	uint64_t value = 0;

	CHECK(read(event, &value, sizeof value) == sizeof value && value == 5, "the event counter is %llu, not 5",
		(unsigned long long)value);
	errno = 0;
	CHECK(read(event, &value, sizeof value) == -1 && errno == EAGAIN,
		"a descriptor that does not block gave errno %d", errno);
	value = 5;
	CHECK(write(event, &value, sizeof value) == sizeof value, "event write: errno %d", errno);
}

static void check_devices(void)
{
	unsigned char zeros[100], random[32] = { 0 };
	int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_RDWR);
	int urandom = open("/dev/urandom", O_RDONLY);
	size_t bad = 0, set = 0;

	memset(zeros, 1, sizeof zeros);
	CHECK(read(zero, zeros, sizeof zeros) == sizeof zeros, "/dev/zero: errno %d", errno);
	for (size_t i = 0; i < sizeof zeros; i++)
		bad += zeros[i] != 0;
	CHECK(bad == 0, "/dev/zero gave other bytes");
	CHECK(write(null, zeros, 10) == 10 && read(null, zeros, 10) == 0, "/dev/null is wrong");
	CHECK(read(urandom, random, sizeof random) == sizeof random, "/dev/urandom: errno %d", errno);
	for (size_t i = 0; i < sizeof random; i++)
		set += random[i] != 0;
	CHECK(set > 16, "/dev/urandom gave zeros");
	close(zero);
	close(null);
	close(urandom);
}

static void check_round(long round)
{
	check_pipe(round);
	check_event();
	check_devices();
}

const struct group group_channels = { "channels", setup, check_round };
