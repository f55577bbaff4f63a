/* Prints what every key of every layout of xkb-data gives, as libxkbcommon has it. For each layout a line "L name level3key" and for each key a
 * line "K code" with eight keysyms: plain, Shift, AltGr, both, and the same four under Caps Lock. Codes are Linux'. Then "U keysym character", and
 * "C character keysym…" for what dead keys compose (arguments: xkb-data's list, X11's Compose file). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>

static struct xkb_context *ctx;

static xkb_keycode_t find_level3(struct xkb_keymap *km)
{
	static const xkb_keycode_t first[] = { 108, 66, 51, 94, 0 };
	const xkb_keysym_t *s;
	for (int i = 0; first[i]; i++)
		if (xkb_keymap_key_get_syms_by_level(km, first[i], 0, 0, &s) == 1 && s[0] == XKB_KEY_ISO_Level3_Shift)
			return first[i];
	return 0;
}

static xkb_keysym_t sym(struct xkb_keymap *km, xkb_keycode_t level3, xkb_keycode_t key, int mods)
{
	struct xkb_state *st = xkb_state_new(km);
	xkb_keysym_t out = XKB_KEY_NoSymbol;
	if (mods & 4) {
		xkb_state_update_key(st, 66, XKB_KEY_DOWN);
		xkb_state_update_key(st, 66, XKB_KEY_UP);
	}
	if (mods & 1)
		xkb_state_update_key(st, 50, XKB_KEY_DOWN);
	if (mods & 2)
		xkb_state_update_key(st, level3, XKB_KEY_DOWN);
	if (!(mods & 2) || level3) {
		const xkb_keysym_t *s;
		if (xkb_state_key_get_syms(st, key, &s) == 1)
			out = s[0];
		if ((mods & 4) && xkb_state_mod_name_is_active(st, XKB_MOD_NAME_CAPS, XKB_STATE_MODS_EFFECTIVE) <= 0)
			out = XKB_KEY_NoSymbol; /* this layout's Caps Lock key does something else */
		else if (xkb_state_mod_index_is_active(st, xkb_keymap_mod_get_index(km, XKB_MOD_NAME_CAPS), XKB_STATE_MODS_EFFECTIVE) > 0 && (mods & 4))
			out = xkb_state_key_get_one_sym(st, key);
	}
	xkb_state_unref(st);
	return out;
}

static void layout(const char *name, const char *variant)
{
	struct xkb_rule_names r = { "evdev", "pc105", name, variant, "" };
	struct xkb_keymap *km = xkb_keymap_new_from_names(ctx, &r, 0);
	if (!km) {
		fprintf(stderr, "%s(%s): not compiled\n", name, variant);
		return;
	}
	xkb_keycode_t l3 = find_level3(km);
	printf(*variant ? "L %s(%s) %u\n" : "L %s%s %u\n", name, variant, l3 ? l3 - 8 : 0);
	for (xkb_keycode_t k = 9; k < 256; k++) {
		xkb_keysym_t s[8], any = 0;
		for (int i = 0; i < 8; i++)
			any |= s[i] = sym(km, l3, k, i);
		if (any && xkb_keymap_key_repeats(km, k) >= 0)
			printf("K %u %x %x %x %x %x %x %x %x\n", k - 8, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
	}
	xkb_keymap_unref(km);
}

/* decode is the one character of a string in UTF-8, or 0. */
static unsigned decode(const unsigned char *s)
{
	unsigned u = *s, n = u < 0x80 ? 0 : u < 0xe0 ? 1 : u < 0xf0 ? 2 : 3;
	if (n)
		u &= 0x3f >> n;
	for (s++; n; n--, s++)
		u = u << 6 | (*s & 0x3f);
	return *s ? 0 : u;
}

/* compose prints the sequences of up to three keysyms that begin with a dead key. */
static void compose(FILE *f)
{
	char line[512], a[3][64], text[32];
	while (fgets(line, sizeof line, f)) {
		int n = sscanf(line, " <%63[^>]> <%63[^>]> <%63[^>]>", a[0], a[1], a[2]);
		char *colon = strstr(line, ": \"");
		if (n < 2 || strncmp(a[0], "dead_", 5) || !colon || sscanf(colon, ": \"%31[^\"]\"", text) != 1)
			continue;
		char *more = strchr(line, '>');
		for (int i = 1; more && i < n; i++)
			more = strchr(more + 1, '>');
		unsigned u = decode((unsigned char *)text);
		if (!u || !more || (strchr(more + 1, '<') && strchr(more + 1, '<') < colon))
			continue;
		printf("C %x", u);
		for (int i = 0; i < n; i++)
			printf(" %x", xkb_keysym_from_name(a[i], 0));
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	char line[512], where = 0, name[64], variant[64];
	FILE *f = fopen(argc > 1 ? argv[1] : "/usr/share/X11/xkb/rules/evdev.lst", "r");
	FILE *c = fopen(argc > 2 ? argv[2] : "/usr/share/X11/locale/en_US.UTF-8/Compose", "r");
	if (!f || !c)
		return perror("evdev.lst, Compose"), 1;
	ctx = xkb_context_new(0);
	xkb_context_set_log_level(ctx, XKB_LOG_LEVEL_CRITICAL);
	while (fgets(line, sizeof line, f)) {
		if (line[0] == '!')
			where = strstr(line, "layout") ? 'l' : strstr(line, "variant") ? 'v' : 0;
		else if (where == 'l' && sscanf(line, "%63s", name) == 1 && strcmp(name, "custom"))
			layout(name, "");
		else if (where == 'v' && sscanf(line, "%63s %63[^:]", variant, name) == 2)
			layout(name, variant);
	}
	fclose(f);
	for (unsigned s = 0x100; s < 0x10000; s++) {
		unsigned u = xkb_keysym_to_utf32(s);
		if (u && (s < 0xff00))
			printf("U %x %x\n", s, u);
	}
	compose(c);
	fclose(c);
	return 0;
}
