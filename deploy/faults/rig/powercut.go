package rig

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const outboxFile = "outbox.db"

// powerCut kills the edge and leaves its outbox as a power cut could have: behind the last commit of the write-ahead log is a part of
// what was written next, and the pages that a checkpoint was about to copy are torn in the main file. All commits stay: each was synced
// before anybody was told, and one whose sync was not over yet may be on the disk as well as not. The index beside the log is gone.
func powerCut(ctx context.Context, f *field) error {
	f.Edge.Kill()
	f.result.Kills++
	f.result.Cuts++
	if err := tear(f.Path("edge"), f.rng); err != nil {
		return fmt.Errorf("tear the outbox: %w", err)
	}
	return f.StartEdge(ctx)
}

func tear(dir string, rng *rand.Rand) error {
	file := filepath.Join(dir, outboxFile)
	if err := os.Remove(file + "-shm"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	wal, err := os.ReadFile(file + "-wal")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	end, pages, size := committed(wal)
	if end == 0 {
		return nil // nothing was written since the last checkpoint
	}
	if err := os.WriteFile(file+"-wal", append(wal[:end:end], tail(wal, end, size, rng)...), 0o600); err != nil {
		return err
	}
	return tearPages(file, pages, size, rng)
}

// Forms of SQLite's write-ahead log (sqlite.org/fileformat2.html, 4.1 and 4.2).
const (
	logHeader   = 32
	frameHeader = 24
	logMagic    = 0x377f0682 // with the last bit: big-endian checksums
)

// committed returns where the last commit of a log ends, 0 if there is none, which pages are in it and how large one is.
func committed(wal []byte) (end int, pages []uint32, size int) {
	if len(wal) < logHeader || binary.BigEndian.Uint32(wal)&^1 != logMagic {
		return 0, nil, 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if wal[3]&1 != 0 {
		order = binary.BigEndian
	}
	size = int(binary.BigEndian.Uint32(wal[8:]))
	sum := checksum([2]uint32{}, wal[:24], order)
	if !equal(sum, wal[24:]) {
		return 0, nil, size
	}
	var open []uint32 // pages of the transaction under way
	for at := logHeader; at+frameHeader+size <= len(wal); at += frameHeader + size {
		frame := wal[at:][:frameHeader+size]
		sum = checksum(checksum(sum, frame[:8], order), frame[frameHeader:], order)
		if string(frame[8:16]) != string(wal[16:24]) || !equal(sum, frame[16:]) {
			break
		}
		open = append(open, binary.BigEndian.Uint32(frame))
		if binary.BigEndian.Uint32(frame[4:]) != 0 {
			end, pages, open = at+len(frame), append(pages, open...), nil
		}
	}
	return end, pages, size
}

func equal(sum [2]uint32, stored []byte) bool {
	return sum[0] == binary.BigEndian.Uint32(stored) && sum[1] == binary.BigEndian.Uint32(stored[4:])
}

func checksum(sum [2]uint32, data []byte, order binary.ByteOrder) [2]uint32 {
	for ; len(data) >= 8; data = data[8:] {
		sum[0] += order.Uint32(data) + sum[1]
		sum[1] += order.Uint32(data[4:]) + sum[0]
	}
	return sum
}

// tail is what may stand behind the last commit.
func tail(wal []byte, end, size int, rng *rand.Rand) []byte {
	switch rng.IntN(4) {
	case 0: // a part of what is there
		return wal[end:][:rng.IntN(len(wal)-end+1)]
	case 1: // room that was given and not written
		return make([]byte, rng.IntN(4*size))
	case 2: // what was there before, on a disk that gives room without clearing it
		return noise(rng.IntN(4*size), rng)
	default: // a transaction like the ones before, of which not all pages came
		frame := frameHeader + size
		first := rng.IntN((end - logHeader) / frame)
		torn := append([]byte(nil), wal[logHeader+first*frame:min(end, logHeader+(first+3)*frame)]...)
		for at := 0; at+frame <= len(torn); at += frame {
			clear(torn[at+4 : at+8]) // its last page, which makes it a commit, did not
		}
		return torn[:rng.IntN(len(torn)+1)]
	}
}

func noise(n int, rng *rand.Rand) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}

const sector = 512 // is written whole or not at all

// tearPages spoils pages of the main file that the log holds, each from some sector on.
func tearPages(file string, pages []uint32, size int, rng *rand.Rand) (err error) {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for range min(len(pages), rng.IntN(8)) {
		page := pages[rng.IntN(len(pages))]
		start := int64(page-1)*int64(size) + int64(sector*(1+rng.IntN(size/sector-1)))
		end := int64(page) * int64(size)
		if end > info.Size() {
			continue
		}
		if _, err := f.WriteAt(noise(int(end-start), rng), start); err != nil {
			return err
		}
	}
	return nil
}
