/* A guest's keyboard as libxkbcommon has it. Arguments: layout, variant, Compose locale. Prints the keysyms of the layout's first four levels, as far as keys lead to them, one
 * line; then for each line of key changes (+code, -code; Linux' codes) the keysyms that the presses gave, and after "=" what they composed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>
#include <xkbcommon/xkbcommon-compose.h>

int main(int argc, char **argv)
{
	struct xkb_context *ctx = xkb_context_new(0);
	struct xkb_rule_names r = { "evdev", "pc105", argv[1], argc > 2 ? argv[2] : "", "" };
	xkb_context_set_log_level(ctx, XKB_LOG_LEVEL_CRITICAL);
	struct xkb_keymap *km = xkb_keymap_new_from_names(ctx, &r, 0);
	struct xkb_compose_table *ct = xkb_compose_table_new_from_locale(ctx, "en_US.UTF-8", 0);
	char line[4096];
	if (!km || !ct)
		return 1;
	const xkb_keysym_t *s;
	int levels = 2; /* a layout without AltGr, such as us, has third levels that no key leads to */
	for (int k = 9; k < 248; k++)
		if (k != 92 && xkb_keymap_key_get_syms_by_level(km, k, 0, 0, &s) == 1 && s[0] == XKB_KEY_ISO_Level3_Shift)
			levels = 4;
	for (int k = 9; k < 248; k++)
		for (int l = 0; l < levels; l++) {
			if (xkb_keymap_key_get_syms_by_level(km, k, 0, l, &s) == 1)
				printf("%x:%d ", s[0], l);
		}
	printf("\n");
	fflush(stdout);
	struct xkb_state *st = xkb_state_new(km);
	while (fgets(line, sizeof line, stdin)) {
		struct xkb_compose_state *cs = xkb_compose_state_new(ct, 0);
		xkb_keysym_t composed = 0;
		for (char *t = strtok(line, " \n"); t; t = strtok(0, " \n")) {
			xkb_keycode_t k = atoi(t + 1) + 8;
			if (*t == '+') {
				xkb_keysym_t s = xkb_state_key_get_one_sym(st, k);
				printf("%x ", s);
				if (xkb_compose_state_feed(cs, s) == XKB_COMPOSE_FEED_ACCEPTED && xkb_compose_state_get_status(cs) == XKB_COMPOSE_COMPOSED)
					composed = xkb_compose_state_get_one_sym(cs);
				xkb_state_update_key(st, k, XKB_KEY_DOWN);
			} else
				xkb_state_update_key(st, k, XKB_KEY_UP);
		}
		printf("= %x\n", composed);
		fflush(stdout);
		xkb_compose_state_unref(cs);
	}
	return 0;
}
