package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"govm-desktop/test/vm"
)

const (
	guestMiB = 256
	// bootInstructions is how many instructions the boot to userland takes, counted once by a plugin of QEMU's.
	bootInstructions = 1420e6
	rounds           = 3 // of boots: the best one counts, which other programs disturbed least
	starts           = 15
	idleTime         = 20 * time.Second
)

// boot measures the processor time that Debian's cloud kernel needs to userland.
func (b *bench) boot() error {
	best := map[vm.Kind]time.Duration{}
	for range rounds {
		for _, k := range b.kinds() {
			d, err := b.bootOnce(k)
			if err != nil {
				return err
			}
			if best[k] == 0 || d < best[k] {
				best[k] = d
			}
		}
	}
	rate := func(d time.Duration) string { return fmt.Sprintf("%.0f M/s", bootInstructions/d.Seconds()/1e6) }
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
	r := row{what: "cloud kernel to userland, CPU time", ours: seconds(best[vm.Ours]), target: "≤ 6 × QEMU"}
	i := row{what: "guest instructions on that way", ours: rate(best[vm.Ours])}
	if b.qemu {
		x := best[vm.Ours].Seconds() / best[vm.QEMU].Seconds()
		r.qemu, r.ratio, r.verdict = seconds(best[vm.QEMU]), fmt.Sprintf("%.2f", x), judge(x <= 6)
		i.qemu, i.ratio = rate(best[vm.QEMU]), fmt.Sprintf("%.2f", 1/x)
	}
	b.rows = append(b.rows, r, i)
	return nil
}

func (b *bench) bootOnce(k vm.Kind) (time.Duration, error) {
	m, err := b.cloud(k, "guest.end=stay")
	if err != nil {
		return 0, err
	}
	defer m.Close()
	if err := m.WaitSerial("GUEST-OK cloud", 1, limit); err != nil {
		return 0, err
	}
	return m.CPUTime()
}

// first measures the time from the start of the process to the first thing that a guest does.
func (b *bench) first() error {
	// The last 16 bytes of the BIOS are where the processor starts: mov dx, 3f8h; mov al, 'G'; out dx, al; hlt.
	bios := make([]byte, 128<<10)
	copy(bios[len(bios)-16:], []byte{0xba, 0xf8, 0x03, 0xb0, 'G', 0xee, 0xf4, 0xeb, 0xfd})
	name := filepath.Join(b.dir, "first.bin")
	if err := os.WriteFile(name, bios, 0o644); err != nil {
		return err
	}
	median := map[vm.Kind]time.Duration{}
	for _, k := range b.kinds() {
		var all []time.Duration
		for range starts {
			m, err := vm.Start(k, b.program, "-m", "128", "-bios", name)
			if err != nil {
				return err
			}
			err = m.WaitSerial("G", 1, limit)
			all = append(all, m.FirstSerial())
			m.Close()
			if err != nil {
				return err
			}
		}
		slices.Sort(all)
		median[k] = all[len(all)/2]
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1e3) }
	r := row{what: "start to first guest instruction", ours: ms(median[vm.Ours]), target: "< 50 ms", verdict: judge(median[vm.Ours] < 50*time.Millisecond)}
	if b.qemu {
		r.qemu, r.ratio = ms(median[vm.QEMU]), fmt.Sprintf("%.2f", median[vm.Ours].Seconds()/median[vm.QEMU].Seconds())
	}
	b.rows = append(b.rows, r)
	return nil
}

// idle measures what a guest that waits at a shell's prompt costs, in processor time and memory.
func (b *bench) idle() error {
	cpu, own, rss := map[vm.Kind]float64{}, map[vm.Kind]float64{}, map[vm.Kind]float64{}
	for _, k := range b.kinds() {
		err := func() error {
			m, err := b.cloud(k, "guest.end=shell")
			if err != nil {
				return err
			}
			defer m.Close()
			if err := m.WaitSerial("# ", 1, limit); err != nil {
				return err
			}
			time.Sleep(5 * time.Second) // the kernel has some things to put away
			before, err := m.CPUTime()
			if err != nil {
				return err
			}
			time.Sleep(idleTime)
			after, err := m.CPUTime()
			if err != nil {
				return err
			}
			mem, err := m.Memory(guestMiB << 20)
			cpu[k] = (after - before).Seconds() / idleTime.Seconds() * 100
			own[k], rss[k] = float64(mem.RSS-mem.Guest)/(1<<20), float64(mem.RSS)/(1<<20)
			return err
		}()
		if err != nil {
			return err
		}
	}
	percent := func(v float64) string { return fmt.Sprintf("%.2f %%", v) }
	mib := func(v float64) string { return fmt.Sprintf("%.0f MiB", v) }
	c := row{what: "idle at a shell, of one core", ours: percent(cpu[vm.Ours]), target: "< 2 %", verdict: judge(cpu[vm.Ours] < 2)}
	o := row{what: "memory beside guest RAM", ours: mib(own[vm.Ours]), target: "< 80 MB", verdict: judge(own[vm.Ours]*1.048576 < 80)}
	t := row{what: "memory with guest RAM", ours: mib(rss[vm.Ours])}
	if b.qemu {
		c.qemu, o.qemu, t.qemu = percent(cpu[vm.QEMU]), mib(own[vm.QEMU]), mib(rss[vm.QEMU])
		o.ratio, t.ratio = fmt.Sprintf("%.2f", own[vm.Ours]/own[vm.QEMU]), fmt.Sprintf("%.2f", rss[vm.Ours]/rss[vm.QEMU])
		if cpu[vm.QEMU] > 0 {
			c.ratio = fmt.Sprintf("%.2f", cpu[vm.Ours]/cpu[vm.QEMU])
		}
	}
	b.rows = append(b.rows, c, o, t)
	return nil
}
