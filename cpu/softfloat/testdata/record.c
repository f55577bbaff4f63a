// Records what a real x86 processor answers to floating-point operations.
//
//	cc -O1 -o record record.c && ./record x87 130 7 | gzip -9n > x87.vec.gz && ./record sse 150 7 | gzip -9n > sse.vec.gz
//
// The argument counts cases per operation; a third one is the seed.  Records
// are little-endian and packed; see vectors_test.go for their layout, which is
// that of the structures below.  No result here is computed by this program.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

static uint64_t seed = 88172645463325252ull;
static uint64_t rnd(void) {
	seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dull;
}
static unsigned pick(unsigned n) { return (rnd() >> 33) % n; }

// f80 is a register image.
typedef struct __attribute__((packed)) { uint64_t sig; uint16_t se; } f80;

// sigs prefers significands at which rounding changes its mind.
static uint64_t sigs(void) {
	uint64_t r = rnd();
	switch (pick(8)) {
	case 0: return 1ull << 63;
	case 1: return ~0ull;
	case 2: return (1ull << 63) | (1ull << pick(64)) | (pick(2) ? 1ull << pick(64) : 0);
	case 3: return ~0ull << pick(63);
	case 4: return ~(1ull << pick(63));
	case 5: return (r | 1ull << 63) & (~0ull << pick(63));
	default: return r | 1ull << 63;
	}
}

static const uint16_t edges[] = {
	0, 1, 2, 60, 0x7ffe, 0x7ffd, 0x3fff, 0x3ffe, 0x4000, 0x403e, 0x403d, 0x403f, 0x401e, 0x400e,
	0x3fff - 1022, 0x3fff - 1023, 0x3fff - 1074, 0x3fff - 1075, 0x3fff + 1023, 0x3fff + 1024,
	0x3fff - 126, 0x3fff - 127, 0x3fff - 149, 0x3fff - 150, 0x3fff + 127, 0x3fff + 128, 0x403a, 0x403b,
};

static f80 any80(void) {
	f80 f = { sigs(), 0 };
	switch (pick(12)) {
	case 0: // special encodings
		f.se = pick(2) ? 0x7fff : 0;
		switch (pick(6)) {
		case 0: f.sig = 0; break;
		case 1: f.sig = 1ull << 63; break;
		case 2: f.sig = 3ull << 62 | rnd() >> pick(64); break;
		case 3: f.sig = 1ull << 63 | rnd() >> (2 + pick(62)); break;
		case 4: f.sig = rnd() >> (1 + pick(63)); break;
		default: f.sig = 0; f.se = 0;
		}
		break;
	case 1: f.se = pick(0x7fff); break;
	case 2: f.se = pick(70); break;
	case 3: f.se = 0x7fff - pick(70); break;
	case 4: f.se = edges[pick(sizeof edges / sizeof *edges)] + pick(3) - 1; break;
	case 5: // a small integer or half of one
		f.sig = (uint64_t)(pick(40) + 1) << 57; f.se = 0x3fff + 6 - pick(2);
		while (!(f.sig >> 63)) { f.sig <<= 1; f.se--; }
		break;
	case 6: f.sig &= ~(1ull << 63); f.se = pick(3) ? 0 : pick(0x8000); break;
	case 7: f.se = 0x3fff + 16 + pick(50); break;
	default: f.se = 0x3fff + pick(80) - 40;
	}
	f.se &= 0x7fff;
	if (f.se == 0 && f.sig >> 63 && pick(4)) f.sig >>= 1 + pick(63);
	f.se |= pick(2) << 15;
	return f;
}

static uint16_t anycw(void) {
	uint16_t cw = pick(4) << 10;
	static const uint8_t pc[] = { 3, 3, 3, 3, 3, 2, 2, 0 };
	cw |= pc[pick(8)] << 8;
	if (pick(3) == 0) cw |= pick(64);
	else cw |= 0x3f;
	return pick(4) == 0 ? 0x37f : cw | 0x40;
}

struct __attribute__((packed)) x87rec {
	uint8_t op; uint8_t pad; uint16_t cw; f80 a, b; // a in ST(0) or in memory, b in ST(1)
	uint16_t sw; f80 st0, st1; f80 mem;
};

struct __attribute__((packed)) save { uint32_t cw, sw, tw, ip, cs, dp, ds; f80 st[8]; };

#define OPS2(X) \
	X(0, "fadd %%st(1),%%st") X(1, "fsub %%st(1),%%st") X(2, "fmul %%st(1),%%st") X(3, "fdiv %%st(1),%%st") \
	X(4, "fsqrt") X(5, "fprem") X(6, "fprem1") X(7, "frndint") X(8, "fscale") X(9, "fxtract") \
	X(10, "fcom") X(11, "fucom") X(12, "fists %1") X(13, "fistl %1") X(14, "fistpll %1") \
	X(15, "fisttps %1") X(16, "fisttpl %1") X(17, "fisttpll %1") X(18, "fsts %1") X(19, "fstl %1") \
	X(20, "flds %1") X(21, "fldl %1") X(22, "fbld %1") X(23, "fbstp %1") \
	X(24, "f2xm1") X(25, "fyl2x") X(26, "fyl2xp1") X(27, "fsin") X(28, "fcos") X(29, "fsincos") \
	X(30, "fptan") X(31, "fpatan") X(32, "fxam") X(33, "fldl2t") X(34, "fldl2e") X(35, "fldpi") X(36, "fldlg2") X(37, "fldln2")
#define NX87 38

static void x87(struct x87rec *r) {
	struct save s;
	f80 mem = r->a;
	if (r->op < 20 || r->op > 22) memset(&mem, 0x55, sizeof mem);
	if (r->op == 22) mem.sig = r->a.sig, mem.se = r->a.se;
#define X(n, ins) case n: __asm__ volatile( \
	"fninit\n\tfldt %3\n\tfldt %2\n\tfldcw %4\n\t" ins "\n\tfnsave %0" \
	: "=m"(s), "+m"(mem) : "m"(r->a), "m"(r->b), "m"(r->cw) : "memory"); break;
	switch (r->op) { OPS2(X) }
#undef X
	r->sw = s.sw; r->st0 = s.st[0]; r->st1 = s.st[1]; r->mem = mem;
}

static void genx87(struct x87rec *r) {
	r->a = any80(); r->b = any80(); r->cw = anycw();
	if (pick(3) == 0) { // operands close to one another
		uint16_t e = (r->a.se & 0x7fff) + pick(140) - 70;
		if (e > 0 && e < 0x7fff) { r->b.se = e | (r->b.se & 0x8000); r->b.sig |= 1ull << 63; }
	}
	if (pick(40) == 0) { r->b.sig = r->a.sig; r->b.se = r->a.se ^ (pick(2) << 15); }
	switch (r->op) {
	case 20: // binary32 in memory: any bits, its own edges among them
		r->a.sig = pick(2) ? rnd() : (rnd() & 0x807fffff) | (uint64_t)(pick(2) ? 0xff : pick(3)) << 23; break;
	case 21:
		r->a.sig = pick(2) ? rnd() : (rnd() & ~(0x7ffull << 52)) | (uint64_t)(pick(2) ? 0x7ff : pick(3)) << 52; break;
	case 22:
		r->a.sig = 0; r->a.se = 0;
		for (int i = 0; i < 16; i++) r->a.sig = r->a.sig << 4 | pick(10);
		r->a.se = pick(2) << 15 | pick(10) | pick(10) << 4;
		break;
	case 24: case 26: // the defined range
		if (pick(4)) { r->a.se = (r->a.se & 0x8000) | (pick(3) ? 0x3ffe - pick(20) : 0x3fff - pick(200)); r->a.sig |= 1ull << 63;
			if (r->op == 26) r->a.se -= 2; }
		break;
	case 27: case 28: case 29: case 30:
		if (pick(2)) { r->a.se = (r->a.se & 0x8000) | (0x3fff + pick(70) - 6); r->a.sig |= 1ull << 63; }
		break;
	}
}

struct __attribute__((packed)) sserec {
	uint8_t op, imm; uint32_t mxcsr; uint64_t a, b;
	uint64_t r; uint32_t out; uint8_t fault;
};

static sigjmp_buf out;
static volatile uint32_t faultcsr;
static void onfpe(int sig, siginfo_t *si, void *uc) {
	(void)sig; (void)si;
	faultcsr = ((ucontext_t *)uc)->uc_mcontext.fpregs->mxcsr;
	siglongjmp(out, 1);
}

#define DD(n, ins) case n: __asm__ volatile("ldmxcsr %2\n\t" ins " %3,%0\n\tstmxcsr %1" : "+x"(x), "=m"(csr) : "m"(in), "x"(y)); break;
#define CM(n, ins) case n: __asm__ volatile("ldmxcsr %2\n\t" ins " %4,%3\n\tstmxcsr %1\n\tpushf\n\tpop %0" : "=r"(g), "=m"(csr) : "m"(in), "x"(x), "x"(y)); r->r = g & 0x8d5; break;
#define TI(n, ins, k) case n: __asm__ volatile("ldmxcsr %2\n\t" ins " %3,%" k "0\n\tstmxcsr %1" : "=r"(g), "=m"(csr) : "m"(in), "x"(x)); r->r = g; break;
#define FI(n, ins, k) case n: __asm__ volatile("ldmxcsr %2\n\t" ins " %" k "3,%0\n\tstmxcsr %1" : "+x"(x), "=m"(csr) : "m"(in), "r"(r->b)); break;
#define IM(n, ins, i) case i: __asm__ volatile("ldmxcsr %2\n\t" ins " $" #i ",%3,%0\n\tstmxcsr %1" : "+x"(x), "=m"(csr) : "m"(in), "x"(y)); break;
#define IMM8(n, ins) IM(n, ins, 0) IM(n, ins, 1) IM(n, ins, 2) IM(n, ins, 3) IM(n, ins, 4) IM(n, ins, 5) IM(n, ins, 6) IM(n, ins, 7)
#define IMM16(n, ins) IMM8(n, ins) IM(n, ins, 8) IM(n, ins, 9) IM(n, ins, 10) IM(n, ins, 11) IM(n, ins, 12) IM(n, ins, 13) IM(n, ins, 14) IM(n, ins, 15)
#define NSSE 42

typedef double v2 __attribute__((vector_size(16)));

static void sse(struct sserec *r) {
	union { uint64_t q[2]; v2 v; } u = { { r->a, 0x1111111111111111 } }, w = { { r->b, 0x2222222222222222 } };
	v2 x = u.v, y = w.v;
	uint32_t in = r->mxcsr;
	volatile uint32_t csr = 0;
	uint64_t g = 0;
	r->r = 0;
	if (sigsetjmp(out, 1)) { r->out = faultcsr; r->fault = 1; r->r = 0; return; }
	r->fault = 0;
	switch (r->op) {
	DD(0, "addsd") DD(1, "subsd") DD(2, "mulsd") DD(3, "divsd") DD(4, "sqrtsd") DD(5, "minsd") DD(6, "maxsd")
	DD(7, "addss") DD(8, "subss") DD(9, "mulss") DD(10, "divss") DD(11, "sqrtss") DD(12, "minss") DD(13, "maxss")
	CM(14, "comisd") CM(15, "ucomisd") CM(16, "comiss") CM(17, "ucomiss")
	TI(18, "cvtsd2si", "k") TI(19, "cvtsd2si", "q") TI(20, "cvttsd2si", "k") TI(21, "cvttsd2si", "q")
	TI(22, "cvtss2si", "k") TI(23, "cvtss2si", "q") TI(24, "cvttss2si", "k") TI(25, "cvttss2si", "q")
	FI(26, "cvtsi2sdl", "k") FI(27, "cvtsi2sdq", "q") FI(28, "cvtsi2ssl", "k") FI(29, "cvtsi2ssq", "q")
	DD(30, "cvtsd2ss") DD(31, "cvtss2sd")
	case 32: switch (r->imm) { IMM8(32, "cmpsd") } break;
	case 33: switch (r->imm) { IMM8(33, "cmpss") } break;
	case 34: switch (r->imm) { IMM16(34, "roundsd") } break;
	case 35: switch (r->imm) { IMM16(35, "roundss") } break;
	DD(36, "rcpss") DD(37, "rsqrtss")
	DD(38, "cvtps2dq") DD(39, "cvttps2dq") DD(40, "cvtdq2ps")
	DD(41, "haddps")
	}
	u.v = x;
	if (!((r->op >= 14 && r->op < 26))) r->r = u.q[0];
	r->out = csr;
	in = 0x1f80;
	__asm__ volatile("ldmxcsr %0" : : "m"(in));
}

static int single(int op) { return (op >= 7 && op < 14) || op == 16 || op == 17 || (op >= 22 && op < 26) || op == 31 || op == 33 || op >= 35; }

static uint64_t anyd(void) {
	uint64_t s = (uint64_t)pick(2) << 63, m = sigs() << 1 >> 12;
	switch (pick(10)) {
	case 0: return s | (uint64_t)(pick(2) ? 0x7ff : 0) << 52 | (pick(3) ? m : 0);
	case 1: return s | (uint64_t)pick(60) << 52 | m;
	case 2: return s | (uint64_t)(0x7ff - pick(60)) << 52 | m;
	case 3: return s | (uint64_t)pick(0x800) << 52 | m;
	case 4: return s | (uint64_t)(1023 + pick(70)) << 52 | m;
	case 5: return s | (uint64_t)(1023 - 155 + pick(40)) << 52 | m; // around the least binary32
	case 6: return s | (uint64_t)(1023 + 120 + pick(12)) << 52 | m; // around the greatest
	case 7: return s | rnd() >> (12 + pick(52));
	default: return s | (uint64_t)(1023 + pick(40) - 20) << 52 | m;
	}
}

static uint32_t anyf(void) {
	uint32_t s = (uint32_t)pick(2) << 31, m = sigs() << 1 >> 41;
	switch (pick(9)) {
	case 0: return s | (pick(2) ? 0xffu : 0) << 23 | (pick(3) ? m : 0);
	case 1: return s | pick(30) << 23 | m;
	case 2: return s | (0xff - pick(30)) << 23 | m;
	case 3: return s | pick(0x100) << 23 | m;
	case 4: return s | (127 + pick(70)) << 23 | m;
	case 5: return s | (uint32_t)(rnd() >> (41 + pick(23)));
	default: return s | (127 + pick(40) - 20) << 23 | m;
	}
}

static void gensse(struct sserec *r) {
	r->mxcsr = 0x1f80;
	if (pick(3)) {
		r->mxcsr = 0x1f80 | pick(4) << 13 | (pick(3) == 0) << 15 | (pick(3) == 0) << 6;
		if (pick(4) == 0) r->mxcsr = (r->mxcsr & ~0x1f80) | pick(64) << 7;
	}
	if (pick(4) == 0) r->mxcsr |= pick(64);
	if (single(r->op)) {
		r->a = anyf() | (uint64_t)anyf() << 32; r->b = anyf() | (uint64_t)anyf() << 32;
		if (pick(20) == 0) r->b = r->a ^ (uint64_t)pick(2) << 31;
	} else {
		r->a = anyd(); r->b = anyd();
		if (pick(3) == 0) r->b = (r->b & ~(0x7ffull << 52)) | ((((r->a >> 52 & 0x7ff) + pick(120) - 60) & 0x7ff) << 52);
		if (pick(20) == 0) r->b = r->a ^ (uint64_t)pick(2) << 63;
	}
	if (r->op >= 26 && r->op < 30) r->b = (int64_t)rnd() >> pick(64);
	r->imm = r->op == 32 || r->op == 33 ? pick(8) : r->op == 34 || r->op == 35 ? pick(16) : 0;
}

int main(int argc, char **argv) {
	int n = argc > 2 ? atoi(argv[2]) : 100;
	if (argc > 3) seed ^= strtoull(argv[3], 0, 0) * 0x9e3779b97f4a7c15ull;
	struct sigaction sa = { .sa_sigaction = onfpe, .sa_flags = SA_SIGINFO };
	sigaction(SIGFPE, &sa, 0);
	if (argc > 1 && !strcmp(argv[1], "x87")) {
		for (int op = 0; op < NX87; op++)
			for (int i = 0; i < (op > 32 ? 24 : n); i++) {
				struct x87rec r = { .op = op };
				genx87(&r); x87(&r);
				fwrite(&r, sizeof r, 1, stdout);
			}
		return 0;
	}
	for (int op = 0; op < NSSE; op++)
		for (int i = 0; i < n; i++) {
			struct sserec r = { .op = op };
			gensse(&r); sse(&r);
			fwrite(&r, sizeof r, 1, stdout);
		}
	return 0;
}
