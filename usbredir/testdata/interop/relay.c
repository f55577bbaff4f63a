/* relay reads a usbredir stream on standard input with libusbredirparser, prints every packet as a line on standard error, and sends each on to standard
   output through a second parser, which has the role of whoever writes our standard input. With "filter" it answers questions about filters instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <usbredirfilter.h>
#include <usbredirparser.h>

static struct usbredirparser *in, *out;
static uint8_t loop[4096]; /* the hello of "in", which "out" has to read */
static int loop_len, loop_pos, hello_done, ended;

#define P(...) fprintf(stderr, __VA_ARGS__)

static void log_line(void *priv, int level, const char *msg) { if (level <= usbredirparser_warning) P("LOG %s\n", msg); }

static int in_read(void *priv, uint8_t *data, int count) {
    ssize_t n = read(0, data, count);
    if (n <= 0) { ended = 1; return -1; }
    return n;
}
static int in_write(void *priv, uint8_t *data, int count) {
    if (!hello_done && loop_len + count <= (int)sizeof(loop)) { memcpy(loop + loop_len, data, count); loop_len += count; }
    return count;
}
static int out_read(void *priv, uint8_t *data, int count) {
    int n = loop_len - loop_pos < count ? loop_len - loop_pos : count;
    memcpy(data, loop + loop_pos, n);
    loop_pos += n;
    return n;
}
static int out_write(void *priv, uint8_t *data, int count) { return write(1, data, count); }

static void out_hello(void *priv, struct usb_redir_hello_header *h) {}
static void on_hello(void *priv, struct usb_redir_hello_header *h) { P("hello version=%s\n", h->version); }

static void print_data(uint8_t *data, int len) { P(" data="); for (int i = 0; i < len; i++) P("%02x", data[i]); P("\n"); }

#define NONE(name) static void on_##name(void *priv) { P(#name "\n"); usbredirparser_send_##name(out); }
NONE(device_disconnect)
NONE(reset)
NONE(filter_reject)
static void on_device_disconnect_ack(void *priv) { P("device_disconnect_ack\n"); }

#define ID(name) static void on_##name(void *priv, uint64_t id) { P(#name " id=%llx\n", (unsigned long long)id); usbredirparser_send_##name(out, id); }
ID(get_configuration)
ID(cancel_data_packet)

#define HEAD(name, fmt, ...) static void on_##name(void *priv, uint64_t id, struct usb_redir_##name##_header *h) { \
    P(#name " id=%llx " fmt "\n", (unsigned long long)id, __VA_ARGS__); usbredirparser_send_##name(out, id, h); }
HEAD(set_configuration, "configuration=%u", h->configuration)
HEAD(configuration_status, "status=%u configuration=%u", h->status, h->configuration)
HEAD(set_alt_setting, "interface=%u alt=%u", h->interface, h->alt)
HEAD(get_alt_setting, "interface=%u", h->interface)
HEAD(alt_setting_status, "status=%u interface=%u alt=%u", h->status, h->interface, h->alt)
HEAD(start_iso_stream, "ep=%02x pkts=%u urbs=%u", h->endpoint, h->pkts_per_urb, h->no_urbs)
HEAD(stop_iso_stream, "ep=%02x", h->endpoint)
HEAD(iso_stream_status, "status=%u ep=%02x", h->status, h->endpoint)
HEAD(start_interrupt_receiving, "ep=%02x", h->endpoint)
HEAD(stop_interrupt_receiving, "ep=%02x", h->endpoint)
HEAD(interrupt_receiving_status, "status=%u ep=%02x", h->status, h->endpoint)
HEAD(alloc_bulk_streams, "eps=%x streams=%u", h->endpoints, h->no_streams)
HEAD(free_bulk_streams, "eps=%x", h->endpoints)
HEAD(bulk_streams_status, "eps=%x streams=%u status=%u", h->endpoints, h->no_streams, h->status)
HEAD(start_bulk_receiving, "stream=%u bytes=%u ep=%02x urbs=%u", h->stream_id, h->bytes_per_transfer, h->endpoint, h->no_transfers)
HEAD(stop_bulk_receiving, "stream=%u ep=%02x", h->stream_id, h->endpoint)
HEAD(bulk_receiving_status, "stream=%u ep=%02x status=%u", h->stream_id, h->endpoint, h->status)

#define DATA(name, fmt, ...) static void on_##name(void *priv, uint64_t id, struct usb_redir_##name##_header *h, uint8_t *data, int len) { \
    P(#name " id=%llx " fmt, (unsigned long long)id, __VA_ARGS__); print_data(data, len); \
    usbredirparser_send_##name(out, id, h, data, len); usbredirparser_free_packet_data(in, data); }
DATA(control_packet, "ep=%02x request=%02x type=%02x status=%u value=%04x index=%04x length=%u", h->endpoint, h->request, h->requesttype, h->status, h->value, h->index, h->length)
DATA(bulk_packet, "ep=%02x status=%u length=%u stream=%u", h->endpoint, h->status, (unsigned)h->length_high << 16 | h->length, h->stream_id)
DATA(iso_packet, "ep=%02x status=%u length=%u", h->endpoint, h->status, h->length)
DATA(interrupt_packet, "ep=%02x status=%u length=%u", h->endpoint, h->status, h->length)
DATA(buffered_bulk_packet, "stream=%u length=%u ep=%02x status=%u", h->stream_id, h->length, h->endpoint, h->status)

static void on_device_connect(void *priv, struct usb_redir_device_connect_header *h) {
    int versioned = usbredirparser_have_cap(in, usb_redir_cap_connect_device_version);
    P("device_connect speed=%u class=%u/%u/%u id=%04x:%04x version=%04x\n", h->speed, h->device_class, h->device_subclass, h->device_protocol, h->vendor_id, h->product_id,
      versioned ? h->device_version_bcd : 0);
    usbredirparser_send_device_connect(out, h);
}
static void on_interface_info(void *priv, struct usb_redir_interface_info_header *h) {
    P("interface_info count=%u", h->interface_count);
    for (unsigned i = 0; i < h->interface_count; i++) P(" %u:%u/%u/%u", h->interface[i], h->interface_class[i], h->interface_subclass[i], h->interface_protocol[i]);
    P("\n");
    usbredirparser_send_interface_info(out, h);
}
static void on_ep_info(void *priv, struct usb_redir_ep_info_header *h) {
    int packets = usbredirparser_have_cap(in, usb_redir_cap_ep_info_max_packet_size), streams = usbredirparser_have_cap(in, usb_redir_cap_bulk_streams);
    P("ep_info");
    for (int i = 0; i < 32; i++)
        P(" %u/%u/%u/%u/%u", h->type[i], h->interval[i], h->interface[i], packets ? h->max_packet_size[i] : 0, streams ? h->max_streams[i] : 0);
    P("\n");
    usbredirparser_send_ep_info(out, h);
}
static void on_filter_filter(void *priv, struct usbredirfilter_rule *rules, int count) {
    char *s = usbredirfilter_rules_to_string(rules, count, ",", "|");
    P("filter_filter %s\n", s);
    usbredirparser_send_filter_filter(out, rules, count);
    usbredirfilter_free(s);
    usbredirfilter_free(rules);
}

static void callbacks(struct usbredirparser *p) {
#define SET(name) p->name##_func = on_##name
    SET(hello); SET(device_connect); SET(device_disconnect); SET(reset); SET(interface_info); SET(ep_info); SET(set_configuration); SET(get_configuration);
    SET(configuration_status); SET(set_alt_setting); SET(get_alt_setting); SET(alt_setting_status); SET(start_iso_stream); SET(stop_iso_stream);
    SET(iso_stream_status); SET(start_interrupt_receiving); SET(stop_interrupt_receiving); SET(interrupt_receiving_status); SET(alloc_bulk_streams);
    SET(free_bulk_streams); SET(bulk_streams_status); SET(cancel_data_packet); SET(filter_reject); SET(filter_filter); SET(device_disconnect_ack);
    SET(start_bulk_receiving); SET(stop_bulk_receiving); SET(bulk_receiving_status); SET(control_packet); SET(bulk_packet); SET(iso_packet);
    SET(interrupt_packet); SET(buffered_bulk_packet);
}

/* A question is a line "options class vendor product version count [class subclass protocol]... filter"; the answer is the library's result and the filter printed. */
static int filters(void) {
    char line[65536];
    while (fgets(line, sizeof(line), stdin)) {
        int opts, class, vid, pid, version, count, n, off;
        uint8_t c[32], s[32], p[32];
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%d %d %d %d %d %d %n", &opts, &class, &vid, &pid, &version, &count, &off) != 6) return 1;
        for (int i = 0; i < count; i++, off += n)
            if (sscanf(line + off, "%hhu %hhu %hhu %n", &c[i], &s[i], &p[i], &n) != 3) return 1;
        if (line[off] != '@') return 1;
        struct usbredirfilter_rule *rules;
        int rule_count;
        if (usbredirfilter_string_to_rules(line + off + 1, ",", "|", &rules, &rule_count)) { printf("bad\n"); continue; }
        char *text = usbredirfilter_rules_to_string(rules, rule_count, ",", "|");
        printf("%d %s\n", usbredirfilter_check(rules, rule_count, class, 0, 0, c, s, p, count, vid, pid, version, opts), text);
        usbredirfilter_free(text);
        usbredirfilter_free(rules);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "filter")) return filters();
    if (argc < 3) return 2;
    int from_host = !strcmp(argv[1], "host"); /* who writes our input */
    uint32_t caps = strtoul(argv[2], NULL, 0), caps2 = caps;
    in = usbredirparser_create();
    out = usbredirparser_create();
    callbacks(in);
    callbacks(out);
    in->log_func = out->log_func = log_line;
    in->read_func = in_read;
    in->write_func = in_write;
    out->read_func = out_read;
    out->write_func = out_write;
    out->hello_func = out_hello;
    usbredirparser_init(in, "relay", &caps, 1, from_host ? 0 : usbredirparser_fl_usb_host);
    usbredirparser_do_write(in);
    hello_done = 1;
    usbredirparser_init(out, "relay", &caps2, 1, from_host ? usbredirparser_fl_usb_host : 0);
    usbredirparser_do_write(out);
    usbredirparser_do_read(out);
    while (!ended) {
        if (usbredirparser_do_read(in) == usbredirparser_read_parse_error) P("PARSE ERROR\n");
        usbredirparser_do_write(in);
        usbredirparser_do_write(out);
    }
    return 0;
}
