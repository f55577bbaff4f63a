/* usbtest: runs the cases of the kernel's usbtest driver on a device and says of each whether it passed, failed or hangs.
 *
 *   usbtest NODE SECONDS ITERATIONS PACKET CASE...        NODE is /dev/bus/usb/BUS/ADDR; lengths vary by whole PACKETs, since a source sends no others
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct usbtest_param {
	uint32_t test_num, iterations, length, vary, sglen;
	int64_t duration_sec, duration_usec;
};

#define USBTEST_REQUEST _IOWR('U', 100, struct usbtest_param)

static int run(const char *node, int n, int iterations, int packet)
{
	struct usbtest_param p = {n, iterations, 4 * packet, packet, 8, 0, 0};
	struct usbdevfs_ioctl c = {0, USBTEST_REQUEST, &p};
	int fd = open(node, O_RDWR);
	if (fd < 0)
		return errno;
	if (n == 11 || n == 12 || n == 24)
		p.sglen = 16;
	if (n == 14 || n == 21)
		p.length = 513, p.vary = 1;
	if (n == 9)
		p.iterations = iterations / 4 + 1;
	if (n == 10)
		p.sglen = 32, p.iterations = 4;
	return ioctl(fd, USBDEVFS_IOCTL, &c) < 0 ? errno : 0;
}

int main(int argc, char **argv)
{
	int i, ms, st, bad = 0;
	setvbuf(stdout, NULL, _IONBF, 0);
	for (i = 5; i < argc; i++) {
		int n = atoi(argv[i]);
		pid_t p = fork();
		if (p == 0)
			_exit(run(argv[1], n, atoi(argv[3]), atoi(argv[4])));
		for (ms = 0; waitpid(p, &st, WNOHANG) == 0; ms += 20) {
			if (ms > atoi(argv[2]) * 1000) {
				printf("USBTEST %d HANGS\n", n);
				return 1;
			}
			usleep(20000);
		}
		st = WIFEXITED(st) ? WEXITSTATUS(st) : 255;
		if (st)
			printf("USBTEST %d FAILED: %s\n", n, strerror(st)), bad = 1;
		else
			printf("USBTEST %d passed\n", n);
	}
	printf("USBTEST done, %s\n", bad ? "with failures" : "all passed");
	return bad;
}
