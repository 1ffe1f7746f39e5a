/* matmul.c - Multiplies real matrices, and can check itself.
 *
 * The work of the thesis, N x N.
 *
 *   matmul N [--repeat R] [--seed S] [--output FILE]   computes C = A_1 B_1 + ... + A_R B_R
 *   matmul --check N [--repeat R] [--seed S]           prints the same checksum in another order
 *
 * The elements are small integers held in doubles, so that every sum is exact and two orders of
 * summation must agree to the last bit. The checksum is u' C v with u_i = i % 7 + 1 and
 * v_j = j % 11 + 1; the check computes it as the sum over r and k of (u' A_r)_k (B_r v)_k without
 * ever forming a product matrix.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct options {
	long size, repeat;
	uint64_t seed;
	const char *output;
	int check;
};

static void die(const char *what)
{
	fprintf(stderr, "matmul: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: matmul [--check] N [--repeat R] [--seed S] [--output FILE]\n");
	exit(2);
}

static long number(const char *text, long least)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < least)
		usage();
	return value;
}

static struct options parse(int argc, char **argv)
{
	struct options o = { .size = 0, .repeat = 1, .seed = 1 };

	for (int i = 1; i < argc; i++) {
		int more = i + 1 < argc;

		if (strcmp(argv[i], "--check") == 0)
			o.check = 1;
		else if (strcmp(argv[i], "--repeat") == 0 && more)
			o.repeat = number(argv[++i], 1);
		else if (strcmp(argv[i], "--seed") == 0 && more)
			o.seed = (uint64_t)number(argv[++i], 0);
		else if (strcmp(argv[i], "--output") == 0 && more)
			o.output = argv[++i];
		else if (o.size == 0)
			o.size = number(argv[i], 1);
		else
			usage();
	}
	if (o.size == 0)
		usage();
	return o;
}

/* splitmix64: any seed, zero too, gives a full-period sequence. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void fill(double *matrix, long size, uint64_t seed)
{
	for (long i = 0; i < size * size; i++)
		matrix[i] = (double)(next_random(&seed) % 10);
}

static void fill_pair(double *a, double *b, const struct options *o, long round)
{
	uint64_t base = o->seed * 1000003u + (uint64_t)round * 2;

	fill(a, o->size, base);
	fill(b, o->size, base + 1);
}

/* Order i, k, j: both inner operands are walked along rows, which the cache likes. */
static void multiply_add(double *restrict c, const double *restrict a, const double *restrict b, long size)
{
	for (long i = 0; i < size; i++) {
		for (long k = 0; k < size; k++) {
			double factor = a[i * size + k];

			for (long j = 0; j < size; j++)
				c[i * size + j] += factor * b[k * size + j];
		}
	}
}

static double weight_row(long i)
{
	return (double)(i % 7 + 1);
}

static double weight_column(long j)
{
	return (double)(j % 11 + 1);
}

static double checksum(const double *c, long size)
{
	double sum = 0;

	for (long i = 0; i < size; i++)
		for (long j = 0; j < size; j++)
			sum += weight_row(i) * c[i * size + j] * weight_column(j);
	return sum;
}

static double checksum_otherwise(double *a, double *b, const struct options *o)
{
	double sum = 0;

	for (long round = 0; round < o->repeat; round++) {
		fill_pair(a, b, o, round);
		for (long k = 0; k < o->size; k++) {
			double left = 0, right = 0;

			for (long i = 0; i < o->size; i++) {
				left += weight_row(i) * a[i * o->size + k];
				right += b[k * o->size + i] * weight_column(i);
			}
			sum += left * right;
		}
	}
	return sum;
}

/* One write(2) for each element, as in tests 3 and 4 of the thesis. */
static void write_all(const double *c, const struct options *o)
{
	int fd = open(o->output, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0)
		die(o->output);
	for (long i = 0; i < o->size * o->size; i++) {
		char line[32];
		int length = snprintf(line, sizeof line, "%.0f\n", c[i]);

		if (write(fd, line, (size_t)length) != length)
			die(o->output);
	}
	if (close(fd) < 0)
		die(o->output);
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	size_t count = (size_t)(o.size * o.size);
	double *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b);
	double *c = calloc(count, sizeof *c);
	struct timespec from, to;

	if (!a || !b || !c)
		die("cannot allocate the matrices");
	if (o.check) {
		printf("checksum %.0f\n", checksum_otherwise(a, b, &o));
		return 0;
	}
	clock_gettime(CLOCK_REALTIME, &from);
	for (long round = 0; round < o.repeat; round++) {
		fill_pair(a, b, &o, round);
		multiply_add(c, a, b, o.size);
	}
	if (o.output)
		write_all(c, &o);
	clock_gettime(CLOCK_REALTIME, &to);
	printf("pid %d\nchecksum %.0f\nseconds %.2f\n", (int)getpid(), checksum(c, o.size),
		(double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
	return 0;
}
