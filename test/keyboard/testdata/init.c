/* The first and only program of the keyboard test's guest: prints every event of the PS/2 keyboard to the serial port. sNN is a scan code, kN:1, kN:0
 * and kN:2 a key that goes down, comes up and repeats. */
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	struct input_event e;
	char name[256], path[32];
	int in = -1, out, m;
	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, 0);
	out = open("/dev/ttyS0", O_WRONLY);
	m = open("/evdev.ko", O_RDONLY);
	if (syscall(SYS_finit_module, m, "", 0))
		dprintf(out, "evdev.ko: no\n");
	for (int i = 0; i < 100 * 16 && in < 0; i++) {
		snprintf(path, sizeof path, "/dev/input/event%d", i % 16);
		int f = open(path, O_RDONLY);
		memset(name, 0, sizeof name);
		if (f >= 0 && ioctl(f, EVIOCGNAME(sizeof name - 1), name) > 0 && strstr(name, "AT ") == name)
			in = f;
		else if (f >= 0)
			close(f);
		if (i % 16 == 15)
			usleep(20000);
	}
	dprintf(out, "KEYBOARD %s\n", name);
	while (read(in, &e, sizeof e) == sizeof e)
		if (e.type == EV_MSC && e.code == MSC_SCAN)
			dprintf(out, "s%x ", e.value);
		else if (e.type == EV_KEY)
			dprintf(out, "k%d:%d\n", e.code, e.value);
	dprintf(out, "KEYBOARD GONE\n");
	for (;;)
		pause();
}
