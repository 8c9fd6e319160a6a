package scenes

import "time"

// Codings, as cameras are set: a keyframe every two seconds, at constant quality or at a constant rate.
var (
	quality10 = Coding{FPS: 10, GOP: 20, CRF: 24}
	quality15 = Coding{FPS: 15, GOP: 30, CRF: 25}
	rate10    = Coding{FPS: 10, GOP: 20, Kbps: 600}
	rate12    = Coding{FPS: 12, GOP: 24, Kbps: 800}
	starved12 = Coding{FPS: 12, GOP: 48, Kbps: 200} // pulses at each keyframe
)

// The photos of empty places.
const (
	lane   = "leuvenA.jpg"
	hotel  = "building.jpg"
	yard   = "scenetext04.jpg"
	street = "scenetext05.jpg"
)

// always is a curve that stays.
func always(v float64) curve { return curve{{0, v}} }

// day and night are the noise of a sensor in good and in bad light.
var (
	day   = noise{always(2)}
	night = noise{always(4.5)}
)

// walk goes straight from one side to the other.
func walk(figure string, from, to, x0, x1, y, h float64) actor {
	return actor{Figure: figure, Path: []stop{{from, x0, y, h}, {to, x1, y, h}}}
}

// drive is a vehicle that goes straight.
func drive(luma, u, v uint8, aspect, from, to, x0, x1, y, h float64) actor {
	return actor{Luma: luma, U: u, V: v, Aspect: aspect, Path: []stop{{from, x0, y, h}, {to, x1, y, h}}}
}

// stands walks in, stands from..to and walks on.
func stands(figure string, in, from, to, out, x0, x, x1, y, h float64) []actor {
	return []actor{
		walk(figure, in, from, x0, x, y, h),
		walk("standing", from, to, x, x, y, h),
		walk(figure, to, out, x, x1, y, h),
	}
}

// all is the table of scenes.
func all() []maker {
	out := []maker{
		cutting{
			Name: "lawn", What: "a real lawn: two people cross it, later one comes back", File: squareFile,
			Y: 336, W: 320, H: 240, SW: squareW, SH: squareH, OutW: 640, OutH: 480, Seconds: 79, Coding: quality10,
			Events: []Span{{53400 * time.Millisecond, 60600 * time.Millisecond}, {65900 * time.Millisecond, 71900 * time.Millisecond}},
		},
		cutting{
			Name: "tree", What: "a real tree in the wind fills the picture; at the end an arm comes in", File: treeFile,
			W: treeW, H: treeH, SW: treeW, SH: treeH, OutW: 640, OutH: 480, Seconds: 29.4, Coding: Coding{FPS: 15, GOP: 30, Kbps: 1200},
			Events: []Span{{23 * time.Second, 29400 * time.Millisecond}},
		},
	}
	for _, group := range [][]recipe{people(), vehicles(), lights(), weather(), machine()} {
		for _, r := range group {
			out = append(out, r)
		}
	}
	return out
}

func people() []recipe {
	return []recipe{
		{
			Name: "square", What: "people cross at their real sizes: near, far, fast, two at once", Place: squareFile, W: squareW, H: squareH,
			Seconds: 85, Coding: quality10, Over: []effect{day},
			Actors: []actor{
				walk("leftward", 10, 17, 1.06, 0.45, 0.7, 0.19), walk("leftward", 17, 20, 0.45, -0.05, 0.6, 0.17),
				walk("rightward", 31, 33, -0.05, 1.05, 0.55, 0.16),
				walk("pair", 45, 53, 1.08, -0.08, 0.97, 0.3),
				walk("nearer", 66, 75, -0.05, 0.5, 0.9, 0.2), walk("crossing", 66.5, 74, 1.05, 0.5, 0.62, 0.18), walk("lawn", 75, 78, 0.5, 1.1, 0.9, 0.22),
			},
		},
		{
			Name: "lane", What: "one walks slowly, one stands for 14 s, one turns round at the edge, one comes from afar", Place: lane, W: 640, H: 480,
			Seconds: 90, Coding: rate12, Over: []effect{day},
			Actors: append(stands("leftward", 26, 30, 44, 48, 1.06, 0.6, 1.08, 0.92, 0.34),
				walk("crossing", 9, 19, 0.45, 0.25, 0.8, 0.21), walk("crossing", 19, 19.1, 0.25, 0.25, 0.8, 0.21),
				actor{Figure: "lawn", Path: []stop{{58, -0.06, 0.95, 0.4}, {60, 0.07, 0.95, 0.4}, {62, -0.06, 0.95, 0.4}}},
				actor{Figure: "approaches", Path: []stop{{72, 0.32, 0.68, 0.18}, {80, 0.55, 0.99, 0.5}, {82.5, 1.12, 1, 0.5}}}),
		},
		{
			Name: "night-lane", What: "a dark lane, dark people, a noisy sensor", Place: lane, W: 640, H: 480, Seconds: 75, Coding: rate10,
			Over: []effect{gain{Level: always(0.32)}, night},
			Actors: []actor{
				walk("leftward", 12, 20, 1.06, -0.06, 0.95, 0.38), walk("standing", 33, 41, -0.05, 1.05, 0.9, 0.3),
				walk("pair", 54, 61, 1.1, -0.1, 0.98, 0.45),
			},
		},
	}
}

func vehicles() []recipe {
	return []recipe{
		{
			Name: "street", What: "vehicles pass, fast and slow; a person; nothing stays", Place: street, W: 640, H: 480, Seconds: 75, Coding: quality15,
			Over: []effect{day},
			Actors: []actor{
				drive(150, 120, 140, 2.3, 9, 10.6, -0.3, 1.3, 0.5, 0.24), drive(60, 140, 118, 1.9, 24, 31, 1.3, -0.3, 0.42, 0.18),
				walk("lawn-back", 43, 52, -0.06, 1.06, 0.97, 0.42), drive(205, 128, 128, 2.6, 63, 66, -0.4, 1.4, 0.62, 0.34),
			},
		},
		{
			Name: "parking", What: "a parked car leaves; another comes and parks; it leaves, too", Place: yard, W: 640, H: 480, Seconds: 95, Coding: quality10,
			Over: []effect{day},
			Actors: []actor{
				{Luma: 170, U: 130, V: 122, Aspect: 2.2, Path: []stop{{-60, 0.35, 0.9, 0.26}, {14, 0.35, 0.9, 0.26}, {18, 1.35, 0.95, 0.28}}},
				{Luma: 70, U: 118, V: 160, Aspect: 2.1, Path: []stop{{32, -0.35, 0.92, 0.27}, {36, 0.6, 0.9, 0.26}, {78, 0.6, 0.9, 0.26}, {82, -0.4, 0.95, 0.28}}},
			},
		},
	}
}

func lights() []recipe {
	return []recipe{
		{
			Name: "clouds", What: "clouds: slow ramps and quick ones; late two people", Place: lane, W: 640, H: 480, Seconds: 90, Coding: quality10,
			Over: []effect{gain{Level: curve{{8, 1}, {14, 0.72}, {19, 0.72}, {20.5, 1.05}, {26, 1.05}, {27, 0.8}, {35, 0.75}, {43, 1.1}, {43.6, 0.85},
				{50, 0.85}, {56, 1.1}, {62, 1.05}, {63.5, 0.8}, {72, 0.85}, {76, 1.05}}}, day},
			Actors: []actor{walk("leftward", 53, 60, 1.06, -0.06, 0.93, 0.34), walk("rightward", 70, 77, -0.05, 1.05, 0.88, 0.3)},
		},
		{
			Name: "steps", What: "light switched on and off, exposure hunts after each; late one person", Place: hotel, W: 640, H: 480, Seconds: 85, Coding: rate12,
			Over: []effect{
				gain{
					Level: curve{{10, 1}, {10.08, 1.45}, {12, 1.1}, {21, 1.1}, {21.08, 0.65}, {23.5, 0.95}, {34, 0.95}, {34.08, 1.3}, {47, 1.3}, {47.08, 0.9}, {60, 0.9}},
					Swing: curve{{10, 0}, {10.5, 0.12}, {15, 0}, {21, 0}, {21.5, 0.12}, {26, 0}, {34, 0}, {34.2, 0.1}, {40, 0}, {47, 0}, {47.2, 0.1}, {53, 0}}, Hertz: 0.7,
				}, day,
			},
			Actors: []actor{walk("lawn", 67, 75, -0.06, 1.06, 0.97, 0.36)},
		},
		{
			Name: "infrared", What: "day to infrared, back, and again; one person in each", Place: street, W: 640, H: 480, Seconds: 95, Coding: rate10,
			Over:   []effect{infrared{15, 50}, infrared{78, 200}, noise{curve{{15, 2}, {15.1, 3.5}, {50, 3.5}, {50.1, 2}}}},
			Actors: []actor{walk("leftward", 30, 37, 1.06, -0.06, 0.9, 0.36), walk("nearer", 62, 69, -0.06, 1.06, 0.95, 0.4)},
		},
		{
			Name: "thunder", What: "lightning at night; a person between the flashes", Place: lane, W: 640, H: 480, Seconds: 80, Coding: quality10,
			Over:   []effect{gain{Level: always(0.3)}, lightning{[]float64{9, 13.2, 21, 26.7, 31, 45.5, 57, 68, 70.4}}, night},
			Actors: []actor{walk("pair", 40, 50, -0.1, 1.1, 0.97, 0.42)},
		},
		{
			Name: "headlights", What: "beams of cars that are not in the picture; two people, one of them in a beam", Place: street, W: 640, H: 480, Seconds: 95, Coding: quality15,
			Over: []effect{gain{Level: always(0.33)}, headlights{{9, 12, -0.2, 1.2, 0.7}, {19, 21, 1.2, -0.2, 0.6}, {28, 34, -0.2, 1.1, 0.75}, {44, 46.5, 1.2, -0.1, 0.65},
				{66, 70, -0.2, 1.2, 0.7}, {81, 84, 1.2, -0.2, 0.7}}, night},
			Actors: []actor{walk("approaches", 52, 59, -0.06, 1.06, 0.95, 0.42), walk("leftward", 65, 73, 1.06, -0.06, 0.93, 0.4)},
		},
		{
			Name: "lamp", What: "a street lamp that flickers for half a minute; two people", Place: hotel, W: 640, H: 480, Seconds: 85, Coding: rate10,
			Over:   []effect{gain{Level: always(0.38)}, lamp{0.7, 0.65, 0.26, 10, 40, 1.5}, night},
			Actors: []actor{walk("rightward", 49, 57, -0.06, 1.06, 0.97, 0.36), walk("lawn-back", 70, 77, 1.06, -0.06, 0.97, 0.38)},
		},
	}
}

func weather() []recipe {
	return []recipe{
		{
			Name: "leaves", What: "a tree sways in a third of the picture; three people", Place: yard, W: 640, H: 480, Seconds: 95, Coding: rate10,
			Behind: []effect{sway{0.55, 0, 0.45, 0.6}}, Over: []effect{day},
			Actors: []actor{walk("crossing", 34, 41, -0.05, 1.05, 0.97, 0.3), walk("lawn", 56, 63, 1.06, -0.06, 0.98, 0.4), walk("leftward", 78, 85, -0.06, 1.06, 0.95, 0.34)},
		},
		{
			Name: "gusts", What: "the mast sways in gusts; two people, one in a gust", Place: squareFile, W: squareW, H: squareH, Seconds: 80, Coding: quality10,
			Over:   []effect{shake{curve{{9, 0}, {11, 3}, {14, 1}, {17, 4}, {22, 0}, {30, 0}, {33, 3}, {36, 0}, {56, 0}, {58, 3}, {66, 2}, {70, 0}}}, day},
			Actors: []actor{walk("leftward", 43, 50, 1.05, -0.05, 0.72, 0.2), walk("pair", 60, 67, -0.08, 1.08, 0.98, 0.3)},
		},
		{
			Name: "rain", What: "rain comes and goes; two people", Place: hotel, W: 640, H: 480, Seconds: 85, Coding: rate12,
			Over:   []effect{gain{Level: always(0.8)}, rain{curve{{8, 0}, {14, 250}, {30, 500}, {48, 150}, {70, 300}, {80, 0}}, 0.05}, day},
			Actors: []actor{walk("leftward", 40, 47, 1.06, -0.06, 0.97, 0.36), walk("nearer", 62, 69, -0.06, 1.06, 0.98, 0.38)},
		},
		{
			Name: "storm", What: "rain at night, lightning, beams, a swaying mast; one person", Place: lane, W: 640, H: 480, Seconds: 80, Coding: rate10,
			Over: []effect{gain{Level: always(0.35)}, headlights{{14, 17, -0.2, 1.2, 0.8}, {37, 40, 1.2, -0.2, 0.8}}, lightning{[]float64{10, 24, 32.5, 71}},
				rain{always(200), 0.06}, shake{curve{{0, 0.6}, {20, 1.5}, {40, 0.5}}}, night},
			Actors: []actor{walk("lawn", 52, 60, -0.06, 1.06, 0.97, 0.42)},
		},
	}
}

func machine() []recipe {
	return []recipe{
		{
			Name: "pulsing", What: "too low a rate: each keyframe pulses; bursts of noise; two people", Place: lane, W: 640, H: 480, Seconds: 80, Coding: starved12,
			Over:   []effect{noise{curve{{12, 4}, {12.1, 12}, {13.5, 12}, {13.6, 4}, {30, 4}, {30.1, 14}, {31, 14}, {31.1, 4}}}},
			Actors: []actor{walk("leftward", 42, 49, 1.06, -0.06, 0.95, 0.36), walk("nearer", 62, 69, -0.06, 1.06, 0.95, 0.36)},
		},
		{
			Name: "hiccups", What: "the stream freezes three times, the exposure settles after each; two people", Place: yard, W: 640, H: 480, Seconds: 85, Coding: quality10,
			Over:    []effect{gain{Level: curve{{15, 1}, {15.2, 1.6}, {17, 1}, {33, 1}, {33.2, 0.5}, {35, 1}, {55, 1}, {55.2, 1.4}, {57, 1}}}, day},
			Freezes: []freeze{{12, 15}, {30, 33}, {53, 55}},
			Actors:  []actor{walk("leftward", 43, 49, 1.06, -0.06, 0.95, 0.36), walk("crossing", 68, 75, -0.06, 1.06, 0.97, 0.34)},
		},
		{
			Name: "empty", What: "an empty square for 75 s: nothing at all", Place: squareFile, W: squareW, H: squareH, Seconds: 75, Coding: rate10,
			Over: []effect{noise{always(3)}},
		},
	}
}
