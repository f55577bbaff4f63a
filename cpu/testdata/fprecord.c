// Records what a real processor makes of single x87, MMX and SSE instructions.
//
//	cc -O1 -no-pie -o fprecord fprecord.c
//	go test -run TestFPVectors -fp.encodings list .. && ./fprecord 24 <list | gzip -9n >fp.vec.gz
//	./fprecord -dump HEX SEED            prints state before and after one case
//
// The list has one encoding a line, in hex. Every case starts from a state that both this program and the Go test draw from a seed (see
// draw); what is stored is a hash of the state after it (see digest). Memory operands are [rdi+disp8].
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define MEM 0x10000100ul
#define CODE 0x20000000ul
#define NGPR 8 // rax rcx rdx rbx rsi r8 r9 r10

typedef struct { uint64_t gpr[NGPR], flags, fault; uint64_t fx[64] __attribute__((aligned(64))); uint64_t mem[16]; } state;
state st __attribute__((aligned(64)));

static uint64_t seed;
static uint64_t rnd(void) {
	seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dull;
}

static const uint64_t t64[] = { 0, 1ull << 63, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000, 0xfff0000000000000,
	0x7ff8000000000123, 0x7ff0000000000456, 0xfff8000000000000, 1, 0x000fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
	0x41e0000000000000, 0xc1e0000000000000, 0x43e0000000000000, ~0ull, 0x3fe0000000000000, 0x36a0000000000000, 0x47efffffffffffff };
static const uint32_t t32[] = { 0, 1u << 31, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00123, 0x7f800456, 0xffc00000, 1,
	0x007fffff, 0x00800000, 0x7f7fffff, 0x4f000000, 0xcf000000, 0x5f000000, 0xffffffff, 0x3f000000, 0x80000001, 0x4b000001 };
static const uint16_t tse[] = { 0, 0x7fff, 0x3fff, 0x3ffe, 0x403e, 0x7ffe, 1, 0x401e };
static const uint64_t tsig[] = { 0, 1ull << 63, 3ull << 62, ~0ull, 1, 0xa000000000000000, 0x4000000000000000, 0xffffff8000000000 };

static uint64_t val(void) {
	uint64_t k = rnd() >> 20, r = rnd(), v = 0;
	switch (k & 7) {
	case 0: case 1: return r;
	case 2: return t64[(r >> 8) % 20];
	case 3: return t32[(r >> 8) % 20] | (uint64_t)t32[(r >> 40) % 20] << 32;
	case 4:
		for (int i = 0; i < 8; i++) v |= (uint64_t)(uint8_t)"\x00\xff\x80\x7f\x01\x41\x30\x00"[r >> (3 * i + 8) & 7] << (8 * i);
		return v;
	case 5: return (r & 0x800fffffffffffff) | (uint64_t)(0x3e0 + (k >> 3 & 63)) << 52;
	case 6: return (r & 0x807fffff807fffff) | (uint64_t)(112 + (k >> 3 & 31)) << 23 | (uint64_t)(112 + (k >> 8 & 31)) << 55;
	}
	return r & 0x00ff80ff00ff7fff;
}

static void draw(uint64_t s) {
	seed = s;
	memset(&st, 0, sizeof st);
	for (int i = 0; i < 4; i++) rnd();
	for (int i = 0; i < NGPR; i++) st.gpr[i] = val();
	st.flags = (rnd() >> 13 & 0x8d5) | 0x202;
	uint64_t r = rnd() >> 9;
	uint64_t fcw = 0x37f, fsw = 0, ftw = 0xff, mxcsr = 0x1f80;
	if (r & 1) fcw = 0x40 | (r >> 1 & 0xc00) | 0x300 | ((r >> 3 & 7) ? 0x3f : r >> 16 & 0x3f);
	if (r & 0x40) fsw = (r >> 20 & 7) << 11;
	if ((r & 0x380) == 0) fsw |= r >> 24 & 0x7f;
	if ((r & 0x1c00) == 0) ftw = r >> 32 & 0xff;
	r = rnd() >> 9;
	if (r & 1) mxcsr = 0x1f80 | (r >> 2 & 0x6000) | (r >> 3 & 0x8000) | (r >> 18 & 0x40);
	if (r & 2) mxcsr |= r >> 26 & 0x3f;
	if ((r & 0x1c) == 0) mxcsr = (mxcsr & ~0x1f80) | (r >> 32 & 0x3f) << 7;
	// No exception may be pending on entry without its summary bits.
	if (fsw & ~fcw & 0x3f) fsw |= 0x8080;
	st.fx[0] = fcw | fsw << 16 | ftw << 32;
	st.fx[3] = mxcsr;
	for (int i = 0; i < 8; i++) {
		uint64_t k = rnd() >> 20, sig = rnd() | 1ull << 63;
		uint64_t se = 0x3fff - 32 + (k >> 4 & 63);
		if ((k & 3) == 0) se = tse[k >> 10 & 7];
		if ((k & 12) == 0) sig = tsig[k >> 14 & 7];
		st.fx[4 + 2 * i] = sig;
		st.fx[5 + 2 * i] = se | (k >> 30 & 1) << 15;
	}
	for (int i = 0; i < 32; i++) st.fx[20 + i] = val();
	for (int i = 0; i < 16; i++) st.mem[i] = val();
}

static sigjmp_buf back;
static void handler(int sig, siginfo_t *si, void *p) {
	(void)sig; (void)si;
	ucontext_t *uc = p;
	greg_t *g = uc->uc_mcontext.gregs;
	static const int order[NGPR] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSI, REG_R8, REG_R9, REG_R10 };
	for (int i = 0; i < NGPR; i++) st.gpr[i] = g[order[i]];
	st.flags = g[REG_EFL];
	st.fault = g[REG_TRAPNO] | 0x100;
	memcpy(st.fx, uc->uc_mcontext.fpregs, 512);
	siglongjmp(back, 1);
}

static void __attribute__((noinline)) run(void) {
	__asm__ volatile(
		"push %%rbp\n\tpush %%rbx\n\t"
		"fxrstor64 st+128\n\t"
		"pushq st+64\n\tpopfq\n\t"
		"mov st+0,%%rax\n\tmov st+8,%%rcx\n\tmov st+16,%%rdx\n\tmov st+24,%%rbx\n\tmov st+32,%%rsi\n\tmov st+40,%%r8\n\tmov st+48,%%r9\n\tmov st+56,%%r10\n\t"
		"mov $0x10000100,%%rdi\n\tmov $0x20000000,%%r11\n\tcall *%%r11\n\t"
		"mov %%rax,st+0\n\tmov %%rcx,st+8\n\tmov %%rdx,st+16\n\tmov %%rbx,st+24\n\tmov %%rsi,st+32\n\tmov %%r8,st+40\n\tmov %%r9,st+48\n\tmov %%r10,st+56\n\t"
		"pushfq\n\tpopq st+64\n\tcld\n\tfxsave64 st+128\n\t"
		"pop %%rbx\n\tpop %%rbp"
		: : : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}

static void one(const uint8_t *code, int n, uint64_t s) {
	memcpy((void *)CODE, code, n);
	((uint8_t *)CODE)[n] = 0xc3;
	draw(s);
	memcpy((void *)MEM, st.mem, sizeof st.mem);
	if (!sigsetjmp(back, 1)) run();
	__asm__ volatile("fninit");
	uint32_t csr = 0x1f80;
	__asm__ volatile("ldmxcsr %0" : : "m"(csr));
	memcpy(st.mem, (void *)MEM, sizeof st.mem);
}

static uint64_t digest(void) {
	uint64_t h = 0xcbf29ce484222325ull;
#define ADD(v) (h = (h ^ (v)) * 0x100000001b3ull, h ^= h >> 29)
	for (int i = 0; i < NGPR; i++) ADD(st.gpr[i]);
	ADD(st.flags & 0x8d5); ADD(st.fault); ADD(st.fx[0]); ADD(st.fx[1]); ADD(st.fx[2]); ADD(st.fx[3] & 0xffffffff);
	for (int i = 4; i < 52; i++) ADD(st.fx[i]);
	for (int i = 0; i < 16; i++) ADD(st.mem[i]);
	return h;
}

static void dump(void) {
	for (int i = 0; i < NGPR; i++) printf("gpr%d %016lx\n", i, st.gpr[i]);
	printf("flags %03lx\nfault %lx\nfx0 %016lx\nfip %lx\nfdp %lx\nmxcsr %08lx\n", st.flags & 0x8d5, st.fault, st.fx[0], st.fx[1], st.fx[2], st.fx[3] & 0xffffffff);
	for (int i = 0; i < 8; i++) printf("st%d %04lx:%016lx\n", i, st.fx[5 + 2 * i], st.fx[4 + 2 * i]);
	for (int i = 0; i < 16; i++) printf("xmm%d %016lx:%016lx\n", i, st.fx[21 + 2 * i], st.fx[20 + 2 * i]);
	for (int i = 0; i < 16; i++) printf("mem%02x %016lx\n", 8 * i, st.mem[i]);
}

static int hex(const char *s, uint8_t *out) {
	int n = 0;
	unsigned b;
	while (sscanf(s, "%2x", &b) == 1) out[n++] = b, s += 2;
	return n;
}

int main(int argc, char **argv) {
	static uint8_t alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof alt };
	sigaltstack(&ss, 0);
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	sigaction(SIGFPE, &sa, 0); sigaction(SIGSEGV, &sa, 0); sigaction(SIGILL, &sa, 0); sigaction(SIGBUS, &sa, 0);
	mmap((void *)(MEM & ~0xffful), 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap((void *)CODE, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	uint8_t code[16];
	if (argc == 4) {
		uint64_t s = strtoull(argv[3], 0, 0);
		int n = hex(argv[2], code);
		draw(s); dump(); puts("---");
		one(code, n, s); dump();
		return 0;
	}
	int cases = atoi(argv[1]);
	char line[64];
	for (uint64_t row = 1; fgets(line, sizeof line, stdin); row++) {
		int n = hex(line, code);
		putchar(n);
		fwrite(code, n, 1, stdout);
		fwrite(&cases, 2, 1, stdout);
		for (int i = 0; i < cases; i++) {
			one(code, n, row << 20 | (i + 1));
			uint64_t h = digest();
			fwrite(&h, 8, 1, stdout);
		}
	}
	return 0;
}
