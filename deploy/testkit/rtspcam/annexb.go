package rtspcam

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"gridgate/edge/source"
)

// clip is a looped list of access units, each a list of NAL units, or one JPEG.
type clip struct {
	codec source.Codec
	units [][][]byte
	cut   *sync.Map // index of a unit -> its RTP packets, see [Camera.packets]
}

// loadClip reads an Annex B file; the extension .h265 or .hevc tells H.265, any other H.264.
func loadClip(path string) (clip, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return clip{}, fmt.Errorf("read clip: %w", err)
	}
	c := clip{codec: source.H264, cut: &sync.Map{}}
	switch filepath.Ext(path) {
	case ".mjpeg", ".mjpg":
		c.codec, c.units = source.MJPEG, splitJPEGs(data)
	case ".h265", ".hevc":
		c.codec = source.H265
		fallthrough
	default:
		c.units = group(c.codec, SplitNALUs(data))
	}
	if len(c.units) == 0 {
		return clip{}, fmt.Errorf("clip %s holds no picture", filepath.Base(path))
	}
	return c, nil
}

// Units reads the access units of an Annex B file, as a camera with that [Options.File] sends them.
func Units(path string) ([][][]byte, source.Codec, error) {
	c, err := loadClip(path)
	return c.units, c.codec, err
}

// clipOf takes access units that are in memory.
func clipOf(units [][]byte) clip {
	c := clip{codec: source.H264, cut: &sync.Map{}}
	for _, u := range units {
		c.units = append(c.units, SplitNALUs(u))
	}
	return c
}

// splitJPEGs cuts at the starts of images. The kit's own clips have no thumbnails inside.
func splitJPEGs(data []byte) (units [][][]byte) {
	start := []byte{0xFF, 0xD8, 0xFF}
	for at := bytes.Index(data, start); at >= 0; {
		end := bytes.Index(data[at+1:], start)
		if end < 0 {
			return append(units, [][]byte{data[at:]})
		}
		units = append(units, [][]byte{data[at : at+1+end]})
		at += 1 + end
	}
	return units
}

// SplitNALUs cuts an Annex B stream (ITU-T H.264 Annex B) at its start codes. Empty units are left out.
func SplitNALUs(data []byte) [][]byte {
	var nalus [][]byte
	start := bytes.Index(data, startCode)
	for start >= 0 {
		data = data[start+len(startCode):]
		start = bytes.Index(data, startCode)
		end := len(data)
		if start >= 0 {
			end = start
		}
		if nalu := bytes.TrimRight(data[:end], "\x00"); len(nalu) > 0 {
			nalus = append(nalus, nalu)
		}
	}
	return nalus
}

var startCode = []byte{0, 0, 1}

// group gathers NAL units into access units: a new one begins with the first slice of a picture, or with what stands
// before it (ITU-T H.264 7.4.1.2.3, H.265 7.4.2.4.4).
func group(codec source.Codec, nalus [][]byte) [][][]byte {
	var units [][][]byte
	var unit [][]byte
	hasSlice := false
	for _, nalu := range nalus {
		slice, first := sliceOf(codec, nalu)
		if hasSlice && (!slice || first) {
			units, unit, hasSlice = append(units, unit), nil, false
		}
		unit = append(unit, nalu)
		hasSlice = hasSlice || slice
	}
	if hasSlice {
		units = append(units, unit)
	}
	return units
}

// sliceOf tells whether nalu is a slice, and whether it is the first of its picture.
func sliceOf(codec source.Codec, nalu []byte) (slice, first bool) {
	if codec == source.H265 {
		return len(nalu) > 2 && nalu[0]>>1&0x3f < 32, len(nalu) > 2 && nalu[2]&0x80 != 0
	}
	typ := nalu[0] & 0x1f
	return len(nalu) > 1 && typ >= 1 && typ <= 5, len(nalu) > 1 && nalu[1]&0x80 != 0
}

// isKey tells whether a unit is a keyframe: an IDR picture, or a CRA one in H.265.
func isKey(codec source.Codec, unit [][]byte) bool {
	for _, nalu := range unit {
		if codec == source.H265 {
			if typ := nalu[0] >> 1 & 0x3f; typ >= 16 && typ <= 21 {
				return true
			}
		} else if nalu[0]&0x1f == 5 {
			return true
		}
	}
	return false
}

// isParameterSet tells whether nalu is a VPS, SPS or PPS.
func isParameterSet(codec source.Codec, nalu []byte) bool {
	if codec == source.H265 {
		typ := nalu[0] >> 1 & 0x3f
		return typ >= 32 && typ <= 34
	}
	typ := nalu[0] & 0x1f
	return typ == 7 || typ == 8
}

// parameterSets returns the first parameter sets of the clip in their order.
func (c clip) parameterSets() (sets [][]byte) {
	for _, unit := range c.units {
		for _, nalu := range unit {
			if isParameterSet(c.codec, nalu) {
				sets = append(sets, nalu)
			}
		}
		if len(sets) > 0 {
			return sets
		}
	}
	return nil
}
