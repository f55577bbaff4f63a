/* A program in the guest's X session: a window that has the keyboard, shows what is typed and tells the serial port. First a line "M key level keysym"
 * for each symbol of the first group, as the X server has it; then for each key that goes down "R keysym", and "S text" in hexadecimal UTF-8 for
 * what the input method makes of it (Xlib's own, which composes after dead keys). */
#include <X11/XKBlib.h>
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Display *dpy;
static Window win;
static GC gc;
static int column, row;

static void map(void)
{
	XkbDescPtr xkb = XkbGetMap(dpy, XkbAllClientInfoMask, XkbUseCoreKbd);
	for (int k = xkb->min_key_code; k <= xkb->max_key_code; k++)
		for (int level = 0; XkbKeyNumGroups(xkb, k) && level < XkbKeyGroupWidth(xkb, k, 0) && level < 4; level++)
			if (XkbKeySymEntry(xkb, k, level, 0))
				printf("M %d %d %lx\n", k, level, (long)XkbKeySymEntry(xkb, k, level, 0));
	printf("READY\n");
}

/* show draws the characters of a text after those that are there. */
static void show(const unsigned char *s)
{
	while (*s) {
		unsigned u = *s, n = u < 0x80 ? 0 : u < 0xe0 ? 1 : u < 0xf0 ? 2 : 3;
		if (n)
			u &= 0x3f >> n;
		for (s++; n && *s; n--, s++)
			u = u << 6 | (*s & 0x3f);
		XChar2b c = { u >> 8 & 0xff, u & 0xff };
		if (u < 0x20)
			continue;
		XDrawString16(dpy, win, gc, 20 + 14 * column, 40 + 26 * row, &c, 1);
		if (++column == 50)
			column = 0, row++;
	}
}

int main(void)
{
	char text[256];
	KeySym sym;
	Status status;
	XEvent e;
	setvbuf(stdout, 0, _IOLBF, 0);
	if (!setlocale(LC_ALL, "") || !XSupportsLocale() || !XSetLocaleModifiers("@im=none") || !(dpy = XOpenDisplay(0)))
		return printf("NO DISPLAY\n"), 1;
	XSetWindowAttributes a = { .background_pixel = WhitePixel(dpy, 0), .override_redirect = True, .event_mask = KeyPressMask | ExposureMask };
	win = XCreateWindow(dpy, DefaultRootWindow(dpy), 20, 20, 740, 540, 0, CopyFromParent, InputOutput, CopyFromParent, CWBackPixel | CWOverrideRedirect | CWEventMask, &a);
	gc = XCreateGC(dpy, win, 0, 0);
	XFontStruct *font = XLoadQueryFont(dpy, "-misc-fixed-medium-r-normal--20-200-75-75-c-100-iso10646-1");
	if (!font)
		return printf("NO FONT\n"), 1;
	XSetFont(dpy, gc, font->fid);
	XMapRaised(dpy, win);
	do
		XNextEvent(dpy, &e);
	while (e.type != Expose);
	XSetInputFocus(dpy, win, RevertToPointerRoot, CurrentTime);
	XIM im = XOpenIM(dpy, 0, 0, 0);
	XIC ic = im ? XCreateIC(im, XNInputStyle, XIMPreeditNothing | XIMStatusNothing, XNClientWindow, win, NULL) : 0;
	if (!ic)
		return printf("NO INPUT METHOD\n"), 1;
	XSetICFocus(ic);
	XSync(dpy, 0);
	map();
	for (;;) {
		XNextEvent(dpy, &e);
		if (e.type == KeyPress && e.xkey.keycode) {
			XLookupString(&e.xkey, text, sizeof text, &sym, 0);
			printf("R %lx\n", sym);
		}
		if (XFilterEvent(&e, None) || e.type != KeyPress)
			continue;
		int n = Xutf8LookupString(ic, &e.xkey, text, sizeof text - 1, &sym, &status);
		text[n > 0 ? n : 0] = 0;
		if (n > 0 && (status == XLookupChars || status == XLookupBoth)) {
			printf("S ");
			for (int i = 0; i < n; i++)
				printf("%02x", (unsigned char)text[i]);
			printf("\n");
			show((unsigned char *)text);
		}
	}
}
