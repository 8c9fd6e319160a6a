package config

import (
	"strings"

	"gridgate/protocols/place"
)

// PlaceKind says what kind of place a device watches, see [place.Kind].
type PlaceKind = place.Kind

// Home is the one place in which a sensor sends hazards only, and no camera may be.
const Home = place.Home

func placeNames() string { return strings.Join(place.Names(), ", ") }
