/* rate: reads or writes a disk past the cache and says how fast.     rate read|write DISK BLOCK COUNT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int in = !strcmp(argv[1], "read"), fd = open(argv[2], (in ? O_RDONLY : O_WRONLY) | O_DIRECT), n = atoi(argv[4]), i;
	size_t size = atoi(argv[3]);
	struct timespec a, b;
	void *p;
	if (fd < 0 || posix_memalign(&p, 4096, size)) {
		perror(argv[2]);
		return 1;
	}
	memset(p, 0, size);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < n; i++) {
		if ((in ? read(fd, p, size) : write(fd, p, size)) != (ssize_t)size) {
			perror(argv[1]);
			return 1;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("rate %.2f\n", size * (double)n / 1e6 / (b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9));
	return 0;
}
