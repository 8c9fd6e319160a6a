package picture

import "image"

// blocksPerSide is how many blocks remain of a face in each direction: 36 colours tell nobody from another.
const blocksPerSide = 6

// pixelate replaces b by the mean colour of each of its blocks. Nothing of the original is blended in.
func pixelate(img *image.RGBA, b Box) {
	area := image.Rect(b.X, b.Y, b.X+b.W, b.Y+b.H).Intersect(img.Bounds())
	side := max(1, (max(b.W, b.H)+blocksPerSide-1)/blocksPerSide)
	for y := area.Min.Y; y < area.Max.Y; y += side {
		for x := area.Min.X; x < area.Max.X; x += side {
			flatten(img, image.Rect(x, y, x+side, y+side).Intersect(area))
		}
	}
}

// flatten paints r with its mean colour.
func flatten(img *image.RGBA, r image.Rectangle) {
	var sum [3]int
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):img.PixOffset(r.Max.X, y)]
		for i := 0; i < len(row); i += 4 {
			sum[0] += int(row[i])
			sum[1] += int(row[i+1])
			sum[2] += int(row[i+2])
		}
	}
	n := r.Dx() * r.Dy()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):img.PixOffset(r.Max.X, y)]
		for i := 0; i < len(row); i += 4 {
			row[i], row[i+1], row[i+2], row[i+3] = byte(sum[0]/n), byte(sum[1]/n), byte(sum[2]/n), 255
		}
	}
}

// grey is the luma of img (ITU-R BT.601).
func grey(img *image.RGBA) *image.Gray {
	out := image.NewGray(img.Bounds())
	for i := range out.Pix {
		p := img.Pix[4*i : 4*i+3]
		out.Pix[i] = byte((299*int(p[0]) + 587*int(p[1]) + 114*int(p[2])) / 1000)
	}
	return out
}
