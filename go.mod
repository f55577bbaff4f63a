module govm-desktop

go 1.26.0

require (
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/arch v0.32.0 // indirect
	golang.org/x/image v0.47.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
