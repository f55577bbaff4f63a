/* peer: the usb-host end of usbredir on libusbredirparser, with a device of its own: a disk image behind the bulk-only transport, or a source, a
 * sink and a control buffer for the kernel's usbtest.
 *
 *   peer [options] disk FILE HOST PORT | zero HOST PORT        (HOST "unix": PORT is a path)
 *     -s N   speed as the protocol numbers it (2)     -c HEX  capabilities (ff)         -l MS    added to each answer
 *     -m N   packets of endpoint 0 (64)               -n      number the packets of the source
 *     -d N   drop the connection after N KiB of bulk data, once; -a MS later (200) connect again
 * It prints a line for each reset, drop, reject and cancel, and ends when the connection does.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <usbredirparser.h>

static struct usbredirparser *parser;
static int sock = -1, disk = -1, zero, speed = 2, latency, announced;
static uint32_t caps = 0xff;
static long drop_after = -1, moved, away = 200, mps0 = 64;
static uint64_t blocks;
static uint32_t number; /* of the next packet of the source */
static int numbered;

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* Answers on their way. */
struct answer {
	struct answer *next;
	long long due;
	int type;
	uint64_t id;
	union {
		struct usb_redir_control_packet_header control;
		struct usb_redir_bulk_packet_header bulk;
		struct usb_redir_interrupt_packet_header intr;
		struct usb_redir_configuration_status_header config;
		struct usb_redir_alt_setting_status_header alt;
		struct usb_redir_interrupt_receiving_status_header receiving;
	} h;
	int len;
	uint8_t *data;
};
static struct answer *first, **last = &first;

static struct answer *answer(int type, uint64_t id, const void *h, int hlen, const void *data, int len)
{
	struct answer *a = calloc(1, sizeof *a);
	a->due = now() + latency * 1000LL;
	a->type = type;
	a->id = id;
	memcpy(&a->h, h, hlen);
	if (len > 0) {
		a->data = malloc(len);
		memcpy(a->data, data, len);
		a->len = len;
	}
	*last = a;
	last = &a->next;
	return a;
}

static void send_due(void)
{
	struct answer *a;
	while ((a = first) && a->due <= now()) {
		switch (a->type) {
		case usb_redir_control_packet: usbredirparser_send_control_packet(parser, a->id, &a->h.control, a->data, a->len); break;
		case usb_redir_bulk_packet: usbredirparser_send_bulk_packet(parser, a->id, &a->h.bulk, a->data, a->len); break;
		case usb_redir_interrupt_packet: usbredirparser_send_interrupt_packet(parser, a->id, &a->h.intr, a->data, a->len); break;
		case usb_redir_configuration_status: usbredirparser_send_configuration_status(parser, a->id, &a->h.config); break;
		case usb_redir_alt_setting_status: usbredirparser_send_alt_setting_status(parser, a->id, &a->h.alt); break;
		case usb_redir_interrupt_receiving_status: usbredirparser_send_interrupt_receiving_status(parser, a->id, &a->h.receiving); break;
		}
		first = a->next;
		if (!first)
			last = &first;
		free(a->data);
		free(a);
	}
}

/* Descriptors. */
static int bulk_size(void) { return speed == 3 ? 1024 : speed == 255 ? 1024 : speed == 2 ? 512 : 64; }
static int super(void) { return speed == 3 || speed == 255; }

static int device_desc(uint8_t *d)
{
	uint8_t t[18] = {18, 1, 0, super() ? 3 : 2, 0, 0, 0, super() ? 9 : mps0, 0xf4, 0x46, 0x11, 0x00, 0, 1, 1, 2, 3, 1};
	if (zero) {
		t[4] = 0xff;
		t[8] = 0x25, t[9] = 0x05, t[10] = 0xa0, t[11] = 0xa4;
	}
	memcpy(d, t, 18);
	return 18;
}

static int config_desc(uint8_t *d)
{
	int n = 9, k, eps = zero ? 4 : 2, bs = bulk_size(), is = super() ? 1024 : speed == 2 ? 512 : 64;
	uint8_t head[9] = {9, 2, 0, 0, 1, 1, 0, 0xe0, 50}, iface[9] = {9, 4, 0, 0, eps, 8, 6, 0x50, 0};
	if (zero)
		iface[5] = 0xff, iface[6] = iface[7] = 0;
	memcpy(d, head, 9);
	memcpy(d + n, iface, 9);
	n += 9;
	for (k = 0; k < eps; k++) {
		uint8_t addr[4] = {0x81, 0x02, 0x83, 0x04};
		int size = k < 2 ? bs : is;
		uint8_t e[7] = {7, 5, addr[k], k < 2 ? 2 : 3, size & 255, size >> 8, k < 2 ? 0 : 4};
		memcpy(d + n, e, 7);
		n += 7;
		if (super()) {
			uint8_t c[6] = {6, 0x30, 0, 0, k < 2 ? 0 : size & 255, k < 2 ? 0 : size >> 8};
			memcpy(d + n, c, 6);
			n += 6;
		}
	}
	d[2] = n;
	d[3] = n >> 8;
	return n;
}

static int string_desc(uint8_t *d, int i)
{
	const char *names[] = {"", "govm test", "peer", zero ? "ZERO0001" : "DISK0001"};
	int n = 2;
	if (i == 0) {
		memcpy(d, "\x04\x03\x09\x04", 4);
		return 4;
	}
	if (i > 3)
		return -1;
	for (const char *p = names[i]; *p; p++) {
		d[n++] = *p;
		d[n++] = 0;
	}
	d[0] = n;
	d[1] = 3;
	return n;
}

static void send_infos(void)
{
	struct usb_redir_ep_info_header e;
	struct usb_redir_interface_info_header i;
	int k;
	memset(&e, 0, sizeof e);
	memset(&i, 0, sizeof i);
	memset(e.type, 255, sizeof e.type);
	e.type[0] = e.type[16] = 0;
	for (k = 0; k < (zero ? 4 : 2); k++) {
		int at[4] = {17, 2, 19, 4};
		e.type[at[k]] = k < 2 ? 2 : 3;
		e.interval[at[k]] = k < 2 ? 0 : 4;
		e.max_packet_size[at[k]] = k < 2 ? bulk_size() : super() ? 1024 : speed == 2 ? 512 : 64;
	}
	i.interface_count = 1;
	i.interface_class[0] = zero ? 0xff : 8;
	i.interface_subclass[0] = zero ? 0 : 6;
	i.interface_protocol[0] = zero ? 0 : 0x50;
	usbredirparser_send_ep_info(parser, &e);
	usbredirparser_send_interface_info(parser, &i);
}

/* The bulk-only transport. */
struct request {
	struct request *next;
	uint64_t id;
	struct usb_redir_bulk_packet_header h;
};
static struct request *reads, **reads_end = &reads;
static uint8_t *in_data, csw[13], sense[3];
static uint32_t in_left, in_at, out_left, out_at;
static uint64_t out_pos;
static int have_csw, halted[32];

static int ep_index(int ep) { return (ep & 0x80) >> 3 | (ep & 15); }

static void bulk_answer(uint64_t id, struct usb_redir_bulk_packet_header h, int status, const void *data, uint32_t n)
{
	h.status = status;
	h.length = n;
	h.length_high = n >> 16;
	answer(usb_redir_bulk_packet, id, &h, sizeof h, h.endpoint & 0x80 ? data : NULL, h.endpoint & 0x80 ? n : 0);
	moved += n;
}

/* serve gives waiting reads what there is. */
static void serve(void)
{
	struct request *r;
	while ((r = reads)) {
		uint32_t want = r->h.length | (uint32_t)r->h.length_high << 16;
		if (halted[17]) {
			bulk_answer(r->id, r->h, usb_redir_stall, NULL, 0);
		} else if (zero) {
			uint8_t *p = calloc(1, want + 1);
			for (uint32_t k = 0; numbered && k + 4 <= want; k += 512, number++)
				memcpy(p + k, &number, 4);
			bulk_answer(r->id, r->h, usb_redir_success, p, want);
			free(p);
		} else if (in_left) {
			uint32_t n = want < in_left ? want : in_left;
			bulk_answer(r->id, r->h, usb_redir_success, in_data + in_at, n);
			in_at += n;
			in_left -= n;
		} else if (have_csw && want >= 13) {
			bulk_answer(r->id, r->h, usb_redir_success, csw, 13);
			have_csw = 0;
		} else {
			return;
		}
		reads = r->next;
		if (!reads)
			reads_end = &reads;
		free(r);
	}
}

static void status(int failed, uint32_t residue)
{
	memcpy(csw, "USBS", 4);
	memcpy(csw + 8, &residue, 4);
	csw[12] = failed;
	have_csw = 1;
}

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
static void put32(uint8_t *p, uint32_t v) { p[0] = v >> 24, p[1] = v >> 16, p[2] = v >> 8, p[3] = v; }

/* scsi fills in_data and returns its length; -1: the command fails. */
static long scsi(const uint8_t *c, uint32_t len)
{
	uint64_t lba = be32(c + 2), n = c[7] << 8 | c[8];
	memset(in_data, 0, 256);
	switch (c[0]) {
	case 0x00: case 0x1b: case 0x1e: case 0x35: case 0x2f: return 0;
	case 0x03:
		in_data[0] = 0x70, in_data[2] = sense[0], in_data[7] = 10, in_data[12] = sense[1], in_data[13] = sense[2];
		memset(sense, 0, 3);
		return 18;
	case 0x12:
		if (c[1] & 1)
			break;
		memcpy(in_data, "\x00\x80\x05\x02\x1f\x00\x00\x00govm    peer disk       1.0 ", 36);
		return 36;
	case 0x25:
		put32(in_data, blocks - 1);
		put32(in_data + 4, 512);
		return 8;
	case 0x1a:
		in_data[0] = 3;
		return 4;
	case 0x28: case 0x2a:
		if (lba + n > blocks || n * 512 != len)
			break;
		if (c[0] == 0x28) {
			if (pread(disk, in_data, len, lba * 512) != (ssize_t)len)
				break;
			return len;
		}
		out_pos = lba * 512;
		return len;
	}
	sense[0] = 5, sense[1] = 0x20, sense[2] = 0;
	return -1;
}

static void command(const uint8_t *b)
{
	uint32_t len;
	memcpy(&len, b + 8, 4);
	memcpy(csw + 4, b + 4, 4);
	in_at = 0;
	if (len > 16 << 20)
		len = 0;
	in_data = realloc(in_data, len + 512);
	long n = scsi(b + 15, len);
	if (n > (long)len)
		n = len;
	if (n < 0 && len) { /* what there is to move has a halted pipe to move by */
		if (b[12] & 0x80)
			halted[17] = 1;
		else
			halted[2] = 1;
	} else if (b[12] & 0x80) {
		in_left = n;
		if ((uint32_t)n < len && n % bulk_size() == 0 && len)
			halted[17] = 1, in_left = 0;
	} else if (b[15] == 0x2a) {
		out_left = len;
		out_at = 0;
		return;
	}
	status(n < 0, n < 0 ? len : len - n);
}

static void bulk_packet(void *priv, uint64_t id, struct usb_redir_bulk_packet_header *h, uint8_t *data, int len)
{
	if (h->endpoint & 0x80) {
		struct request *r = calloc(1, sizeof *r);
		r->id = id;
		r->h = *h;
		*reads_end = r;
		reads_end = &r->next;
	} else if (halted[2]) {
		bulk_answer(id, *h, usb_redir_stall, NULL, 0);
	} else if (zero) {
		bulk_answer(id, *h, usb_redir_success, NULL, len);
	} else if (out_left) {
		uint32_t n = (uint32_t)len < out_left ? (uint32_t)len : out_left;
		if (pwrite(disk, data, n, out_pos + out_at) != (ssize_t)n)
			fprintf(stderr, "peer: write: %s\n", strerror(errno));
		out_at += n;
		out_left -= n;
		bulk_answer(id, *h, usb_redir_success, NULL, len);
		if (!out_left)
			status(0, 0);
	} else if (len == 31 && !memcmp(data, "USBC", 4)) {
		bulk_answer(id, *h, usb_redir_success, NULL, len);
		command(data);
	} else {
		printf("peer: %d bytes that are no command\n", len);
		halted[2] = halted[17] = 1;
		bulk_answer(id, *h, usb_redir_stall, NULL, 0);
	}
	usbredirparser_free_packet_data(parser, data);
	serve();
}

static void cancel_packet(void *priv, uint64_t id)
{
	struct request **r = &reads, *gone;
	for (; *r && (*r)->id != id; r = &(*r)->next)
		;
	if (!(gone = *r))
		return; /* its answer is on its way */
	*r = gone->next;
	if (reads_end == &gone->next)
		reads_end = r;
	printf("peer: cancelled\n");
	bulk_answer(id, gone->h, usb_redir_cancelled, NULL, 0);
	free(gone);
}

static uint8_t ctrl_buf[65536];

static void control_packet(void *priv, uint64_t id, struct usb_redir_control_packet_header *h, uint8_t *data, int len)
{
	uint8_t b[65536];
	int n = -1, kind = h->requesttype << 8 | h->request, want = h->length;
	struct usb_redir_control_packet_header r = *h;
	memset(b, 0, 512);
	switch (kind) {
	case 0x8006:
		switch (h->value >> 8) {
		case 1: n = device_desc(b); break;
		case 2: case 7:
			if (h->value >> 8 == 2 || speed == 2)
				n = h->value & 255 ? -1 : config_desc(b), b[1] = h->value >> 8;
			break;
		case 6:
			if (speed == 2)
				memcpy(b, "\x0a\x06\x00\x02\x00\x00\x00\x40\x01\x00", n = 10), b[4] = zero ? 0xff : 0;
			break;
		case 3: n = string_desc(b, h->value & 255); break;
		case 15:
			if (super()) {
				memcpy(b, "\x05\x0f\x16\x00\x02\x07\x10\x02\x00\x00\x00\x00\x0a\x10\x03\x00\x0e\x00\x01\x0a\xff\x07", 22);
				n = 22;
			}
			break;
		}
		break;
	case 0x8000: case 0x8100: n = 2; break;
	case 0x8200: n = 2, b[0] = halted[ep_index(h->index)]; break;
	case 0x0201: n = 0, halted[ep_index(h->index)] = 0; break;
	case 0x0203: n = 0, halted[ep_index(h->index)] = 1; break;
	case 0x0001: case 0x0003: case 0x0030: case 0x0031: n = 0; break;
	case 0xa1fe: n = zero ? -1 : 1; break;
	case 0x21ff:
		n = 0;
		in_left = out_left = have_csw = 0;
		printf("peer: bulk-only reset\n");
		break;
	case 0x405b:
		if (zero)
			memcpy(ctrl_buf, data, len), n = 0;
		break;
	case 0xc05c:
		if (zero)
			memcpy(b, ctrl_buf, n = want);
		break;
	}
	if (n > want)
		n = want;
	r.status = n < 0 ? usb_redir_stall : usb_redir_success;
	if (n < 0)
		n = 0;
	r.length = h->endpoint & 0x80 ? n : len;
	answer(usb_redir_control_packet, id, &r, sizeof r, b, h->endpoint & 0x80 ? n : 0);
	usbredirparser_free_packet_data(parser, data);
	serve();
}

static void interrupt_packet(void *priv, uint64_t id, struct usb_redir_interrupt_packet_header *h, uint8_t *data, int len)
{
	h->status = halted[ep_index(h->endpoint)] ? usb_redir_stall : usb_redir_success;
	answer(usb_redir_interrupt_packet, id, h, sizeof *h, NULL, 0);
	usbredirparser_free_packet_data(parser, data);
}

static int receiving;
static uint64_t received;
static long long next_packet;

static void start_interrupt(void *priv, uint64_t id, struct usb_redir_start_interrupt_receiving_header *h)
{
	struct usb_redir_interrupt_receiving_status_header r = {halted[ep_index(h->endpoint)] ? usb_redir_stall : usb_redir_success, h->endpoint};
	receiving = r.status == 0;
	received = 0;
	answer(usb_redir_interrupt_receiving_status, id, &r, sizeof r, NULL, 0);
}

static void stop_interrupt(void *priv, uint64_t id, struct usb_redir_stop_interrupt_receiving_header *h)
{
	struct usb_redir_interrupt_receiving_status_header r = {usb_redir_success, h->endpoint};
	receiving = 0;
	answer(usb_redir_interrupt_receiving_status, id, &r, sizeof r, NULL, 0);
}

static void tick(void)
{
	static uint8_t zeros[1024];
	if (receiving && next_packet <= now()) {
		struct usb_redir_interrupt_packet_header h = {0x83, 0, super() ? 1024 : speed == 2 ? 512 : 64};
		answer(usb_redir_interrupt_packet, received++, &h, sizeof h, zeros, h.length);
		next_packet = now() + 1000;
	}
}

static void reset(void *priv)
{
	printf("peer: reset\n");
	in_left = out_left = have_csw = 0;
	memset(halted, 0, sizeof halted);
}

static int config = 1;
static void set_config(void *priv, uint64_t id, struct usb_redir_set_configuration_header *h)
{
	struct usb_redir_configuration_status_header r = {h->configuration <= 1 ? usb_redir_success : usb_redir_stall, h->configuration};
	config = h->configuration;
	send_infos();
	answer(usb_redir_configuration_status, id, &r, sizeof r, NULL, 0);
}
static void get_config(void *priv, uint64_t id)
{
	struct usb_redir_configuration_status_header r = {usb_redir_success, config};
	answer(usb_redir_configuration_status, id, &r, sizeof r, NULL, 0);
}
static void set_alt(void *priv, uint64_t id, struct usb_redir_set_alt_setting_header *h)
{
	struct usb_redir_alt_setting_status_header r = {h->alt ? usb_redir_stall : usb_redir_success, h->interface, 0};
	memset(halted, 0, sizeof halted);
	if (!h->alt)
		send_infos();
	answer(usb_redir_alt_setting_status, id, &r, sizeof r, NULL, 0);
}
static void get_alt(void *priv, uint64_t id, struct usb_redir_get_alt_setting_header *h)
{
	struct usb_redir_alt_setting_status_header r = {usb_redir_success, h->interface, 0};
	answer(usb_redir_alt_setting_status, id, &r, sizeof r, NULL, 0);
}

static void hello(void *priv, struct usb_redir_hello_header *h)
{
	struct usb_redir_device_connect_header c = {speed, zero ? 0xff : 0, 0, 0, zero ? 0x0525 : 0x46f4, zero ? 0xa4a0 : 0x0011, 0x0100};
	send_infos();
	usbredirparser_send_device_connect(parser, &c);
	announced = 1;
}

static void reject(void *priv) { printf("peer: rejected\n"); }
static void ignore_filter(void *priv, struct usbredirfilter_rule *rules, int n) { free(rules); }
static void logger(void *priv, int level, const char *msg)
{
	if (level <= usbredirparser_warning)
		fprintf(stderr, "peer: %s\n", msg);
}
static int reader(void *priv, uint8_t *b, int n)
{
	ssize_t r = read(sock, b, n);
	return r < 0 ? (errno == EAGAIN ? 0 : -1) : r == 0 ? -1 : r;
}
static int writer(void *priv, uint8_t *b, int n)
{
	ssize_t r = write(sock, b, n);
	return r < 0 ? (errno == EAGAIN ? 0 : -1) : r;
}

static int dial(const char *host, const char *port)
{
	int fd, one = 1, i;
	if (!strcmp(host, "unix")) {
		struct sockaddr_un a = {AF_UNIX};
		snprintf(a.sun_path, sizeof a.sun_path, "%s", port);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		for (i = 0; connect(fd, (void *)&a, sizeof a); i++) {
			if (i > 100)
				return -1;
			usleep(50000);
		}
	} else {
		struct addrinfo *ai;
		if (getaddrinfo(host, port, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &ai))
			return -1;
		for (i = 0;; i++) {
			fd = socket(ai->ai_family, SOCK_STREAM, 0);
			if (!connect(fd, ai->ai_addr, ai->ai_addrlen))
				break;
			close(fd);
			if (i > 100)
				return -1;
			usleep(50000);
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* session lives as long as a connection. 1: it is to be dropped and made again. */
static int session(void)
{
	uint32_t c[USB_REDIR_CAPS_SIZE] = {0};
	int i, again = 0;
	for (i = 0; i < 32; i++)
		if (caps >> i & 1)
			usbredirparser_caps_set_cap(c, i);
	parser = usbredirparser_create();
	parser->log_func = logger, parser->read_func = reader, parser->write_func = writer, parser->hello_func = hello;
	parser->reset_func = reset, parser->set_configuration_func = set_config, parser->get_configuration_func = get_config;
	parser->set_alt_setting_func = set_alt, parser->get_alt_setting_func = get_alt, parser->cancel_data_packet_func = cancel_packet;
	parser->control_packet_func = control_packet, parser->bulk_packet_func = bulk_packet, parser->interrupt_packet_func = interrupt_packet;
	parser->start_interrupt_receiving_func = start_interrupt, parser->stop_interrupt_receiving_func = stop_interrupt;
	parser->filter_reject_func = reject, parser->filter_filter_func = ignore_filter;
	usbredirparser_init(parser, "govm test peer", c, USB_REDIR_CAPS_SIZE, usbredirparser_fl_usb_host);
	for (;;) {
		struct pollfd p = {sock, POLLIN | (usbredirparser_has_data_to_write(parser) ? POLLOUT : 0), 0};
		int wait = receiving ? 1 : -1;
		if (first) {
			long long d = first->due - now();
			wait = d <= 0 ? 0 : (d + 999) / 1000;
		}
		poll(&p, 1, wait);
		if (p.revents & (POLLIN | POLLHUP | POLLERR) && usbredirparser_do_read(parser) < 0 && 1) {
			if (p.revents & (POLLHUP | POLLERR) || recv(sock, &i, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
				break;
		}
		tick();
		send_due();
		if (usbredirparser_has_data_to_write(parser) && usbredirparser_do_write(parser) < 0)
			break;
		if (drop_after >= 0 && moved >= drop_after) {
			drop_after = -1;
			again = 1;
			printf("peer: dropped\n");
			break;
		}
	}
	close(sock);
	usbredirparser_destroy(parser);
	return again;
}

static void forget(void)
{
	while (first) {
		struct answer *a = first;
		first = a->next;
		free(a->data);
		free(a);
	}
	last = &first;
	while (reads) {
		struct request *r = reads;
		reads = r->next;
		free(r);
	}
	reads_end = &reads;
	receiving = 0;
	in_left = out_left = have_csw = 0;
	memset(halted, 0, sizeof halted);
}

int main(int argc, char **argv)
{
	int o;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((o = getopt(argc, argv, "s:c:l:d:a:m:n")) != -1) {
		switch (o) {
		case 's': speed = atoi(optarg); break;
		case 'c': caps = strtoul(optarg, NULL, 16); break;
		case 'l': latency = atoi(optarg); break;
		case 'd': drop_after = atol(optarg) * 1024; break;
		case 'a': away = atol(optarg); break;
		case 'n': numbered = 1; break;
		case 'm': mps0 = atoi(optarg); break;
		default: return 2;
		}
	}
	argv += optind;
	if (argc - optind == 4 && !strcmp(argv[0], "disk")) {
		disk = open(argv[1], O_RDWR);
		if (disk < 0) {
			perror(argv[1]);
			return 1;
		}
		blocks = lseek(disk, 0, SEEK_END) / 512;
		argv++;
	} else if (argc - optind == 3 && !strcmp(argv[0], "zero")) {
		zero = 1;
	} else {
		return 2;
	}
	in_data = malloc(1024);
	for (;;) {
		sock = dial(argv[1], argv[2]);
		if (sock < 0) {
			perror("connect");
			return 1;
		}
		if (!session())
			return 0;
		forget();
		usleep(away * 1000);
	}
}
