/* reader.c - Copies standard input to standard output by lines.
 *
 * With its PID and a number before each line, until end of file; then it prints the number of lines and bytes.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	char line[65536];
	long lines = 0, bytes = 0;

	while (fgets(line, sizeof line, stdin)) {
		bytes += (long)strlen(line);
		printf("%d %ld %s", (int)getpid(), ++lines, line);
		fflush(stdout);
	}
	printf("end %ld %ld\n", lines, bytes);
	return ferror(stdin) ? 1 : 0;
}
