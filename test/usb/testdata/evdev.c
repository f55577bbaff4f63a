/* Prints the events of the input devices whose name has the word given, to be read by a test: kC:V a key, aC:V a position, rC:V a movement; a line for
 * each report. READY says that all are open. */
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct pollfd in[32];
	struct input_event e[64];
	char name[256], path[32];
	int n = 0;
	if (argc < 2)
		return 2;
	for (int i = 0; i < 32; i++) {
		snprintf(path, sizeof path, "/dev/input/event%d", i);
		int f = open(path, O_RDONLY);
		memset(name, 0, sizeof name);
		if (f < 0)
			continue;
		if (ioctl(f, EVIOCGNAME(sizeof name - 1), name) > 0 && strstr(name, argv[1])) {
			in[n].fd = f;
			in[n++].events = POLLIN;
		} else
			close(f);
	}
	setvbuf(stdout, 0, _IOLBF, 4096);
	printf("READY %d\n", n);
	while (poll(in, n, -1) > 0)
		for (int i = 0; i < n; i++) {
			if (!(in[i].revents & POLLIN))
				continue;
			int k = read(in[i].fd, e, sizeof e);
			if (k <= 0)
				return 0;
			for (int j = 0; j < k / (int)sizeof e[0]; j++)
				if (e[j].type == EV_KEY && e[j].value != 2)
					printf("k%d:%d ", e[j].code, e[j].value);
				else if (e[j].type == EV_ABS)
					printf("a%d:%d ", e[j].code, e[j].value);
				else if (e[j].type == EV_REL)
					printf("r%d:%d ", e[j].code, e[j].value);
				else if (e[j].type == EV_SYN)
					printf("\n");
		}
	return 0;
}
