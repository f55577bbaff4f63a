package monitor

import (
	"fmt"
	"io"
	"time"
)

// driveNames are for completion.
func driveNames(c Control) (names []string) {
	for _, b := range c.Blocks() {
		names = append(names, b.Device)
	}
	return names
}

func driveCommands() []*Command {
	device := Param{Name: "device", Complete: driveNames}
	either := []Param{{Name: "device", Optional: true}, {Name: "id", Optional: true}}
	force := Param{Name: "force", Type: Flag, Letter: 'f'}
	modes := []string{"retain", "read-only", "read-write"}
	mode := Param{Name: "read-only-mode", Optional: true, Values: modes}
	return []*Command{
		{HMP: "info block", Params: []Param{{Name: "verbose", Type: Flag, Letter: 'v'}, {Name: "device", Optional: true, Complete: driveNames}}, Help: "the drives", Run: runBlocksHMP, Print: printBlocks},
		{QMP: "query-block", Returns: []BlockInfo{}, Run: runBlocks},
		{QMP: "query-named-block-nodes", Params: []Param{{Name: "flat", Type: Bool, Optional: true}}, Returns: []BlockInserted{}, Run: runNodes},
		{HMP: "info blockstats", QMP: "query-blockstats", Params: nil, Help: "what the drives have done", Returns: []BlockStatsInfo{}, Run: runBlockStats, Print: printBlockStats},
		{HMP: "eject", Params: []Param{force, device}, Help: "take the medium out of a drive: eject [-f] DEVICE", Run: try(eject)},
		{QMP: "eject", Params: append(either, force), Run: onDrive(func(c *Call, d string) error {
			return eject(&Call{c.Control, Args{"device": d, "force": c.Bool("force")}, c.Session})
		})},
		{HMP: "change", Params: []Param{device, {Name: "target", Type: File}, {Name: "force", Type: Flag, Letter: 'f'}, {Name: "arg", Optional: true}, {Name: "read-only-mode", Optional: true, Values: modes}},
			Help: "put another medium in a drive: change DEVICE FILE [FORMAT [retain|read-only|read-write]], or change vnc password SECRET", Run: try(change)},
		{QMP: "blockdev-change-medium", Params: append(either, Param{Name: "filename"}, Param{Name: "format", Optional: true}, force, mode), Run: onDrive(func(c *Call, d string) error {
			return c.Change(d, c.Str("filename"), c.Str("format"), c.Str("read-only-mode"), c.Bool("force"))
		})},
		{QMP: "blockdev-open-tray", Params: append(either, force), Run: onDrive(func(c *Call, d string) error { return c.OpenTray(d, c.Bool("force")) })},
		{QMP: "blockdev-close-tray", Params: either, Run: onDrive(func(c *Call, d string) error { return c.CloseTray(d) })},
		{QMP: "blockdev-remove-medium", Params: []Param{{Name: "id"}}, Run: onDrive(func(c *Call, d string) error { return c.RemoveMedium(d, false) })},
	}
}

// onDrive finds the drive that device or id names.
func onDrive(f func(c *Call, device string) error) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		if c.Has("device") == c.Has("id") {
			return nil, errorf(GenericError, "Need exactly one of 'device' and 'id'")
		}
		name := c.Str("device") + c.Str("id")
		if _, err := drive(c, name); err != nil {
			return nil, err
		}
		return nil, generic(f(c, name))
	}
}

// drive finds a drive by its name or its place in the tree of objects.
func drive(c *Call, name string) (Block, error) {
	for _, b := range c.Blocks() {
		if b.Device == name || b.Path == name {
			return b, nil
		}
	}
	return Block{}, errorf(DeviceNotFound, "Device '%s' not found", name)
}

func eject(c *Call) error {
	b, err := drive(c, c.Str("device"))
	if err != nil {
		return err
	}
	if !b.Removable {
		return errorf(GenericError, "Device '%s' is not removable", b.Device)
	}
	return c.RemoveMedium(b.Device, c.Bool("force"))
}

// change puts another medium in a drive, or sets VNC's password: change vnc password SECRET.
func change(c *Call) error {
	name := c.Str("device")
	if name == "vnc" {
		return changeVNC(c)
	}
	b, err := drive(c, name)
	if err != nil {
		return err
	}
	if !b.Removable {
		return errorf(GenericError, "Device '%s' is not removable", name)
	}
	return c.Change(b.Device, c.Str("target"), c.Str("arg"), c.Str("read-only-mode"), c.Bool("force"))
}

// BlockInfo is a line of query-block's result.
type BlockInfo struct {
	Device    string         `json:"device"`
	QDev      string         `json:"qdev,omitempty"`
	Type      string         `json:"type"`
	Removable bool           `json:"removable"`
	Locked    bool           `json:"locked"`
	Inserted  *BlockInserted `json:"inserted,omitempty"`
	TrayOpen  *bool          `json:"tray_open,omitempty"`
	IOStatus  string         `json:"io-status,omitempty"`
}

// BlockInserted is the medium in a drive.
type BlockInserted struct {
	File         string     `json:"file"`
	Node         string     `json:"node-name"`
	ReadOnly     bool       `json:"ro"`
	Driver       string     `json:"drv"`
	Depth        int64      `json:"backing_file_depth"`
	Encrypted    bool       `json:"encrypted"`
	DetectZeroes string     `json:"detect_zeroes"`
	BPS          int64      `json:"bps"`
	BPSRead      int64      `json:"bps_rd"`
	BPSWrite     int64      `json:"bps_wr"`
	IOPS         int64      `json:"iops"`
	IOPSRead     int64      `json:"iops_rd"`
	IOPSWrite    int64      `json:"iops_wr"`
	Image        ImageInfo  `json:"image"`
	Cache        BlockCache `json:"cache"`
	Threshold    int64      `json:"write_threshold"`
}

// ImageInfo is what is known of an image.
type ImageInfo struct {
	Filename    string `json:"filename"`
	Format      string `json:"format"`
	VirtualSize int64  `json:"virtual-size"`
}

// BlockCache is how the host's cache is used.
type BlockCache struct {
	WriteBack bool `json:"writeback"`
	Direct    bool `json:"direct"`
	NoFlush   bool `json:"no-flush"`
}

func blockInfo(b *Block) BlockInfo {
	i := BlockInfo{Device: b.Device, QDev: b.Path, Type: "unknown", Removable: b.Removable, Locked: b.Locked, IOStatus: "ok"}
	if b.Removable {
		i.TrayOpen = &b.TrayOpen
	}
	if b.File != "" {
		i.Inserted = &BlockInserted{File: b.File, Node: b.Device, ReadOnly: b.ReadOnly, Driver: b.Format, DetectZeroes: "off",
			Image: ImageInfo{b.File, b.Format, b.Size}, Cache: BlockCache{WriteBack: true}}
	}
	return i
}

func runBlocks(c *Call) (any, error) {
	all := []BlockInfo{}
	for _, b := range c.Blocks() {
		all = append(all, blockInfo(&b))
	}
	return all, nil
}

func runBlocksHMP(c *Call) (any, error) {
	all := []BlockInfo{}
	for _, b := range c.Blocks() {
		if want := c.Str("device"); want == "" || want == b.Device {
			all = append(all, blockInfo(&b))
		}
	}
	if len(all) == 0 && c.Has("device") {
		return nil, errorf(DeviceNotFound, "Device '%s' not found", c.Str("device"))
	}
	return all, nil
}

func runNodes(c *Call) (any, error) {
	all := []BlockInserted{}
	for _, b := range c.Blocks() {
		if i := blockInfo(&b).Inserted; i != nil {
			all = append(all, *i)
		}
	}
	return all, nil
}

func printBlocks(w io.Writer, r any) {
	for n, b := range r.([]BlockInfo) {
		if n > 0 {
			fmt.Fprintln(w)
		}
		if in := b.Inserted; in == nil {
			fmt.Fprintf(w, "%s: [not inserted]\n", b.Device)
		} else {
			fmt.Fprintf(w, "%s (%s): %s (%s", b.Device, in.Node, in.File, in.Driver)
			if in.ReadOnly {
				io.WriteString(w, ", read-only")
			}
			fmt.Fprintln(w, ")")
		}
		fmt.Fprintf(w, "    Attached to:      %s\n", b.QDev)
		if b.Removable {
			fmt.Fprintf(w, "    Removable device: %slocked, tray %s\n", map[bool]string{true: "", false: "not "}[b.Locked], map[bool]string{true: "open", false: "closed"}[*b.TrayOpen])
		}
		if b.Inserted != nil {
			io.WriteString(w, "    Cache mode:       writeback\n")
		}
	}
}

// BlockStatsInfo is a line of query-blockstats' result.
type BlockStatsInfo struct {
	Device string          `json:"device"`
	QDev   string          `json:"qdev,omitempty"`
	Node   string          `json:"node-name,omitempty"`
	Stats  BlockStatsShown `json:"stats"`
}

// BlockStatsShown are BlockStats as QMP has them.
type BlockStatsShown struct {
	ReadBytes      int64      `json:"rd_bytes"`
	WriteBytes     int64      `json:"wr_bytes"`
	UnmapBytes     int64      `json:"unmap_bytes"`
	Reads          int64      `json:"rd_operations"`
	Writes         int64      `json:"wr_operations"`
	Flushes        int64      `json:"flush_operations"`
	Unmaps         int64      `json:"unmap_operations"`
	ReadTime       int64      `json:"rd_total_time_ns"`
	WriteTime      int64      `json:"wr_total_time_ns"`
	FlushTime      int64      `json:"flush_total_time_ns"`
	UnmapTime      int64      `json:"unmap_total_time_ns"`
	HighestWrite   int64      `json:"wr_highest_offset"`
	ReadsMerged    int64      `json:"rd_merged"`
	WritesMerged   int64      `json:"wr_merged"`
	UnmapsMerged   int64      `json:"unmap_merged"`
	Idle           *int64     `json:"idle_time_ns,omitempty"`
	FailedReads    int64      `json:"failed_rd_operations"`
	FailedWrites   int64      `json:"failed_wr_operations"`
	FailedFlushes  int64      `json:"failed_flush_operations"`
	FailedUnmaps   int64      `json:"failed_unmap_operations"`
	InvalidReads   int64      `json:"invalid_rd_operations"`
	InvalidWrites  int64      `json:"invalid_wr_operations"`
	InvalidFlushes int64      `json:"invalid_flush_operations"`
	InvalidUnmaps  int64      `json:"invalid_unmap_operations"`
	AccountInvalid bool       `json:"account_invalid"`
	AccountFailed  bool       `json:"account_failed"`
	Timed          []struct{} `json:"timed_stats"`
}

func runBlockStats(c *Call) (any, error) {
	all := []BlockStatsInfo{}
	for _, b := range c.Blocks() {
		s := &b.Stats
		i := BlockStatsInfo{Device: b.Device, QDev: b.Path, Stats: BlockStatsShown{
			ReadBytes: s.ReadBytes, WriteBytes: s.WriteBytes, UnmapBytes: s.UnmapBytes, Reads: s.Reads, Writes: s.Writes, Flushes: s.Flushes, Unmaps: s.Unmaps,
			ReadTime: int64(s.ReadTime), WriteTime: int64(s.WriteTime), FlushTime: int64(s.FlushTime), UnmapTime: int64(s.UnmapTime), HighestWrite: s.HighestWrite,
			FailedReads: s.FailedReads, FailedWrites: s.FailedWrites, FailedFlushes: s.FailedFlushes, FailedUnmaps: s.FailedUnmaps, AccountInvalid: true, AccountFailed: true, Timed: []struct{}{}}}
		if b.File != "" {
			i.Node = b.Device
		}
		if !s.LastAccess.IsZero() {
			idle := int64(time.Since(s.LastAccess))
			i.Stats.Idle = &idle
		}
		all = append(all, i)
	}
	return all, nil
}

func printBlockStats(w io.Writer, r any) {
	for _, b := range r.([]BlockStatsInfo) {
		s, idle := &b.Stats, int64(0)
		if s.Idle != nil {
			idle = *s.Idle
		}
		fmt.Fprintf(w, "%s: rd_bytes=%d wr_bytes=%d rd_operations=%d wr_operations=%d flush_operations=%d wr_total_time_ns=%d rd_total_time_ns=%d flush_total_time_ns=%d rd_merged=0 wr_merged=0 idle_time_ns=%d\n",
			b.Device, s.ReadBytes, s.WriteBytes, s.Reads, s.Writes, s.Flushes, s.WriteTime, s.ReadTime, s.FlushTime, idle)
	}
}
