/* urbs: queues bulk reads on usbfs, cancels some of them, and counts what comes: the packets of the source are numbered.
 *
 *   urbs NODE ROUNDS QUEUED CANCELLED BYTES
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define MAX 256

int main(int argc, char **argv)
{
	static struct usbdevfs_urb urbs[MAX];
	static char *bufs[MAX];
	int fd = open(argv[1], O_RDWR), rounds = atoi(argv[2]), n = atoi(argv[3]), m = atoi(argv[4]), size = atoi(argv[5]), i, k, r, iface = 0;
	long lost = 0, twice = 0, cancelled = 0, packets = 0;
	uint32_t next = 0, first = 1, seq;
	setvbuf(stdout, NULL, _IONBF, 0);
	if (fd < 0 || ioctl(fd, USBDEVFS_CLAIMINTERFACE, &iface) < 0) {
		perror(argv[1]);
		return 1;
	}
	for (i = 0; i < n; i++)
		bufs[i] = malloc(size);
	srand(1);
	for (r = 0; r < rounds; r++) {
		for (i = 0; i < n; i++) {
			memset(&urbs[i], 0, sizeof urbs[i]);
			urbs[i].type = USBDEVFS_URB_TYPE_BULK;
			urbs[i].endpoint = 0x81;
			urbs[i].buffer = bufs[i];
			urbs[i].buffer_length = size;
			if (ioctl(fd, USBDEVFS_SUBMITURB, &urbs[i]) < 0) {
				perror("submit");
				return 1;
			}
		}
		for (k = 0; k < m; k++)
			ioctl(fd, USBDEVFS_DISCARDURB, &urbs[rand() % n]);
		for (i = 0; i < n; i++) {
			struct pollfd p = {fd, POLLOUT, 0};
			void *u;
			if (poll(&p, 1, 30000) <= 0) {
				printf("URBS: round %d: %d of %d never end\n", r, n - i, n);
				return 1;
			}
			if (ioctl(fd, USBDEVFS_REAPURBNDELAY, &u) < 0) {
				perror("reap");
				return 1;
			}
		}
		for (i = 0; i < n; i++) {
			if (urbs[i].status == -ENOENT || urbs[i].status == -ECONNRESET)
				cancelled++;
			else if (urbs[i].status) {
				printf("URBS: status %d\n", urbs[i].status);
				return 1;
			}
			for (k = 0; k + 512 <= urbs[i].actual_length; k += 512) {
				memcpy(&seq, bufs[i] + k, 4);
				packets++;
				if (!first && (int32_t)(seq - next) > 0)
					lost += seq - next;
				if (!first && (int32_t)(seq - next) < 0)
					twice++;
				first = 0;
				next = seq + 1;
			}
		}
	}
	printf("URBS: %ld packets, %ld lost, %ld twice, %ld cancelled\n", packets, lost, twice, cancelled);
	return lost || twice;
}
