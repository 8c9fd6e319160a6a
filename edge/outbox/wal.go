package outbox

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Sizes and magic of SQLite's write-ahead log, as its file format document (section 4.1) has them. All numbers are big-endian; the
// lowest bit of the magic says whether checksums read words big-endian, too.
const (
	walHeader = 32
	walFrame  = 24
	walMagic  = 0x377f0682
)

// checkWAL looks for damage that SQLite passes over: it reads the log up to the first frame whose checksum is wrong, and what comes
// behind is gone without a word. A power cut leaves one transaction like that, which nobody was told of. Two of the same run cannot be
// torn: the first was synced before the second was begun.
func checkWAL(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("open write-ahead log: %w", err)
	}
	defer f.Close()
	lost, err := lostCommits(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return fmt.Errorf("read write-ahead log: %w", err)
	}
	if lost > 1 {
		return fmt.Errorf("%w: %d transactions of the write-ahead log are behind a frame that is not what was written", errDamaged, lost)
	}
	return nil
}

// lostCommits counts the commits of a log's last run that are behind its valid part. A log whose header is unusable has none.
func lostCommits(r io.Reader) (lost int, err error) {
	head := make([]byte, walHeader)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, ended(err)
	}
	magic, size := binary.BigEndian.Uint32(head), int(binary.BigEndian.Uint32(head[8:]))
	if magic&^1 != walMagic || size < 512 || size > 65536 || size&(size-1) != 0 {
		return 0, nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if magic&1 != 0 {
		order = binary.BigEndian
	}
	sum := walSum([2]uint32{}, head[:24], order)
	if !sumIs(sum, head[24:]) {
		return 0, nil
	}
	salts, frame, valid := head[16:24], make([]byte, walFrame+size), true
	for {
		if _, err := io.ReadFull(r, frame); err != nil {
			return lost, ended(err)
		}
		same := bytes.Equal(frame[8:16], salts)
		if valid && same {
			sum = walSum(walSum(sum, frame[:8], order), frame[walFrame:], order)
			valid = sumIs(sum, frame[16:24])
		} else {
			valid = false
		}
		if !valid && same && binary.BigEndian.Uint32(frame[4:]) != 0 {
			lost++
		}
	}
}

// ended is nil for the end of the log, in the middle of a frame too.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// walSum goes on with a checksum over data, whose length is a multiple of 8.
func walSum(s [2]uint32, data []byte, order binary.ByteOrder) [2]uint32 {
	for ; len(data) >= 8; data = data[8:] {
		s[0] += order.Uint32(data) + s[1]
		s[1] += order.Uint32(data[4:]) + s[0]
	}
	return s
}

func sumIs(s [2]uint32, want []byte) bool {
	return s[0] == binary.BigEndian.Uint32(want) && s[1] == binary.BigEndian.Uint32(want[4:])
}
