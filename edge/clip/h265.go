package clip

import (
	"errors"
	"fmt"
	"slices"

	"github.com/abema/go-mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// h265Syntax: ITU-T H.265.
type h265Syntax struct{ pictures []uint32 } // ids of the picture parameter sets

func typeOf(nalu []byte) h265.NALUType { return h265.NALUType(nalu[0] >> 1 & 0x3f) }

// kind reads the NAL unit header (clause 7.3.1.2, table 7-1).
func (*h265Syntax) kind(nalu []byte) (kind, error) {
	if nalu[0]&0x80 != 0 {
		return other, errForbidden
	}
	switch typ := typeOf(nalu); {
	case len(nalu) < 3:
		return other, errors.New("a NAL unit of two bytes")
	case typ <= h265.NALUType_RASL_R, typ >= h265.NALUType_BLA_W_LP && typ <= h265.NALUType_CRA_NUT:
		return slice, nil
	case typ == h265.NALUType_VPS_NUT:
		return videoSet, nil
	case typ == h265.NALUType_SPS_NUT:
		return sequenceSet, nil
	case typ == h265.NALUType_PPS_NUT:
		return pictureSet, nil
	}
	return other, nil
}

func (s *h265Syntax) describe(own sets) (width, height int, record []byte, err error) {
	if own.video == nil || len(own.sequence) < 14 {
		return 0, 0, nil, errors.New("no video or no sequence parameter set")
	}
	var sps h265.SPS
	if err := sps.Unmarshal(own.sequence); err != nil {
		return 0, 0, nil, fmt.Errorf("sequence parameter set: %w", err)
	}
	for _, p := range own.pictures {
		var pps h265.PPS
		if err := pps.Unmarshal(p); err != nil {
			return 0, 0, nil, fmt.Errorf("picture parameter set: %w", err)
		}
	}
	if width, height, err = sides(sps.Width(), sps.Height()); err != nil {
		return 0, 0, nil, err
	}
	if s.pictures, err = pictureIDs(own.pictures, 2, uint32(sps.ID)); err != nil {
		return 0, 0, nil, err
	}
	record, err = marshal(hevcRecord(own, sps))
	return width, height, record, err
}

// slice reads the beginning of a slice segment up to slice_pic_parameter_set_id (clause 7.3.6.1).
func (s *h265Syntax) slice(nalu []byte) error {
	body, pos := head(nalu, 2), 0
	flags := 1 // first_slice_segment_in_pic_flag
	if typeOf(nalu) >= h265.NALUType_BLA_W_LP {
		flags = 2 // and no_output_of_prior_pics_flag
	}
	if _, err := bits.ReadBits(body, &pos, flags); err != nil {
		return err
	}
	id, err := bits.ReadGolombUnsigned(body, &pos)
	if err != nil || !slices.Contains(s.pictures, id) {
		return errors.Join(err, fmt.Errorf("picture parameter set %d is not there", id))
	}
	return nil
}

// hevcRecord is an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 clause 8.3.3.1).
func hevcRecord(own sets, sps h265.SPS) *mp4.HvcC {
	p := sps.ProfileTierLevel
	r := &mp4.HvcC{
		ConfigurationVersion: 1, GeneralProfileSpace: p.GeneralProfileSpace, GeneralTierFlag: p.GeneralTierFlag == 1, GeneralProfileIdc: p.GeneralProfileIdc,
		GeneralProfileCompatibility: p.GeneralProfileCompatibilityFlag, GeneralLevelIdc: p.GeneralLevelIdc,
		Reserved1: 15, Reserved2: 63, Reserved3: 63, Reserved4: 31, Reserved5: 31,
		ChromaFormatIdc: uint8(sps.ChromaFormatIdc), BitDepthLumaMinus8: uint8(sps.BitDepthLumaMinus8), BitDepthChromaMinus8: uint8(sps.BitDepthChromaMinus8),
		NumTemporalLayers: sps.MaxSubLayersMinus1 + 1, LengthSizeMinusOne: 3,
	}
	if sps.TemporalIDNestingFlag {
		r.TemporalIdNested = 1
	}
	// The six bytes of constraint flags stand behind profile and compatibility flags (clause 7.3.3).
	copy(r.GeneralConstraintIndicator[:], h264.EmulationPreventionRemove(own.sequence)[8:])
	for _, s := range []struct {
		typ   h265.NALUType
		nalus [][]byte
	}{{h265.NALUType_VPS_NUT, [][]byte{own.video}}, {h265.NALUType_SPS_NUT, [][]byte{own.sequence}}, {h265.NALUType_PPS_NUT, own.pictures}} {
		array := mp4.HEVCNaluArray{Completeness: true, NaluType: uint8(s.typ), NumNalus: uint16(len(s.nalus))}
		for _, n := range s.nalus {
			array.Nalus = append(array.Nalus, mp4.HEVCNalu{Length: uint16(len(n)), NALUnit: n})
		}
		r.NaluArrays = append(r.NaluArrays, array)
	}
	r.NumOfNaluArrays = uint8(len(r.NaluArrays))
	return r
}
