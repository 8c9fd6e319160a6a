package clip

import (
	"errors"
	"fmt"
	"slices"

	"github.com/abema/go-mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// headBytes are enough for the fields that are read at the beginning of a slice or picture parameter set.
const headBytes = 32

// h264Syntax: ITU-T H.264.
type h264Syntax struct{ pictures []uint32 } // ids of the picture parameter sets

var errForbidden = errors.New("forbidden_zero_bit is set")

// kind reads the NAL unit header (clause 7.3.1, table 7-1).
func (*h264Syntax) kind(nalu []byte) (kind, error) {
	if nalu[0]&0x80 != 0 {
		return other, errForbidden
	}
	switch h264.NALUType(nalu[0] & 0x1f) {
	case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA, h264.NALUTypeDataPartitionB, h264.NALUTypeDataPartitionC, h264.NALUTypeIDR:
		return slice, nil
	case h264.NALUTypeSPS:
		return sequenceSet, nil
	case h264.NALUTypePPS:
		return pictureSet, nil
	}
	return other, nil
}

func (s *h264Syntax) describe(own sets) (width, height int, record []byte, err error) {
	var sps h264.SPS
	if len(own.sequence) < 4 {
		return 0, 0, nil, errors.New("no sequence parameter set")
	}
	if err := sps.Unmarshal(own.sequence); err != nil {
		return 0, 0, nil, fmt.Errorf("sequence parameter set: %w", err)
	}
	if width, height, err = sides(sps.Width(), sps.Height()); err != nil {
		return 0, 0, nil, err
	}
	if s.pictures, err = pictureIDs(own.pictures, 1, sps.ID); err != nil {
		return 0, 0, nil, err
	}
	record, err = marshal(avcRecord(own, sps))
	return width, height, record, err
}

// sides checks the size of a picture.
func sides(width, height int) (int, int, error) {
	if width < 1 || height < 1 || width > maxSide || height > maxSide {
		return 0, 0, fmt.Errorf("a picture of %dx%d", width, height)
	}
	return width, height, nil
}

// pictureIDs reads pic_parameter_set_id and seq_parameter_set_id (H.264 clause 7.3.2.2, H.265 clause 7.3.2.3.1), which stand first in
// both, behind header bytes.
func pictureIDs(sets [][]byte, header int, sequence uint32) (ids []uint32, err error) {
	for _, nalu := range sets {
		id, next, err := twoCounts(nalu, header)
		if err != nil {
			return nil, fmt.Errorf("picture parameter set: %w", err)
		}
		if next == sequence {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("no picture parameter set")
	}
	return ids, nil
}

func twoCounts(nalu []byte, header int) (a, b uint32, err error) {
	body, pos := head(nalu, header), 0
	if a, err = bits.ReadGolombUnsigned(body, &pos); err == nil {
		b, err = bits.ReadGolombUnsigned(body, &pos)
	}
	return a, b, err
}

// head is the beginning of a NAL unit behind its header, without emulation prevention.
func head(nalu []byte, header int) []byte {
	nalu = nalu[min(header, len(nalu)):]
	return h264.EmulationPreventionRemove(nalu[:min(headBytes, len(nalu))])
}

// slice reads first_mb_in_slice, slice_type and pic_parameter_set_id (clause 7.3.3). Data partitions B and C begin otherwise; they
// are of use only behind an A.
func (s *h264Syntax) slice(nalu []byte) error {
	if typ := h264.NALUType(nalu[0] & 0x1f); typ == h264.NALUTypeDataPartitionB || typ == h264.NALUTypeDataPartitionC {
		return nil
	}
	body, pos := head(nalu, 1), 0
	if _, err := bits.ReadGolombUnsigned(body, &pos); err != nil {
		return err
	}
	if typ, err := bits.ReadGolombUnsigned(body, &pos); err != nil || typ > 9 {
		return errors.Join(err, fmt.Errorf("slice_type %d", typ))
	}
	id, err := bits.ReadGolombUnsigned(body, &pos)
	if err != nil || !slices.Contains(s.pictures, id) {
		return errors.Join(err, fmt.Errorf("picture parameter set %d is not there", id))
	}
	return nil
}

// avcRecord is an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 clause 5.3.3.1).
func avcRecord(own sets, sps h264.SPS) *mp4.AVCDecoderConfiguration {
	r := &mp4.AVCDecoderConfiguration{
		ConfigurationVersion: 1, Profile: own.sequence[1], ProfileCompatibility: own.sequence[2], Level: own.sequence[3],
		LengthSizeMinusOne: 3, NumOfSequenceParameterSets: 1, NumOfPictureParameterSets: uint8(len(own.pictures)),
		SequenceParameterSets: []mp4.AVCParameterSet{{Length: uint16(len(own.sequence)), NALUnit: own.sequence}},
	}
	for _, p := range own.pictures {
		r.PictureParameterSets = append(r.PictureParameterSets, mp4.AVCParameterSet{Length: uint16(len(p)), NALUnit: p})
	}
	switch r.Profile {
	case 100, 110, 122, 144:
		r.HighProfileFieldsEnabled = true
		r.ChromaFormat, r.BitDepthLumaMinus8, r.BitDepthChromaMinus8 = uint8(sps.ChromaFormatIdc), uint8(sps.BitDepthLumaMinus8), uint8(sps.BitDepthChromaMinus8)
	}
	r.SetType(mp4.BoxTypeAvcC())
	return r
}
