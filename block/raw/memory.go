package raw

import (
	"fmt"

	"govm-desktop/block"
)

// Memory is a read-only image in memory, such as one that a program carries in itself.
type Memory struct {
	data []byte
	size int64
}

var (
	_ block.Disk     = (*Memory)(nil)
	_ block.ReadOnly = (*Memory)(nil)
)

// NewMemory returns the disk that data holds, which must not change afterwards. Put an overlay over it for a disk that can be written.
func NewMemory(data []byte) *Memory {
	n := (int64(len(data)) + block.SectorSize - 1) / block.SectorSize * block.SectorSize
	return &Memory{data, max(n, block.SectorSize)}
}

// Size implements block.Disk.
func (m *Memory) Size() int64 { return m.size }

// ReadOnly implements block.ReadOnly.
func (m *Memory) ReadOnly() bool { return true }

// ReadAt implements block.Disk.
func (m *Memory) ReadAt(p []byte, off int64) (int, error) {
	if err := block.Check(m.size, off, int64(len(p))); err != nil {
		return 0, fmt.Errorf("raw: memory: %w", err)
	}
	clear(p)
	if off < int64(len(m.data)) {
		copy(p, m.data[off:])
	}
	return len(p), nil
}

// WriteAt implements block.Disk.
func (m *Memory) WriteAt([]byte, int64) (int, error) {
	return 0, fmt.Errorf("raw: memory: %w", errReadOnly)
}

// Sync implements block.Disk.
func (m *Memory) Sync() error { return nil }

// Close implements block.Disk.
func (m *Memory) Close() error { return nil }
