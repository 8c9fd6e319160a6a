package onvif

import (
	"strings"

	"gridgate/protocols/alert"
)

// meaning is what a topic says.
type meaning struct {
	kind   alert.Kind   // empty: nothing that is told
	object alert.Object // of motion and presence
	// moment: the message itself is the event, unless it holds a state.
	moment bool
	// classes: ClassTypes, or the names of the items, say what was seen.
	classes bool
	quiet   bool   // understood, nothing to tell
	why     string // it is not told
}

var (
	motion    = meaning{kind: alert.Motion}
	person    = meaning{kind: alert.Presence, object: alert.Person}
	vehicle   = meaning{kind: alert.Motion, object: alert.Vehicle}
	animal    = meaning{kind: alert.Motion, object: alert.Animal}
	objects   = meaning{classes: true}
	tripwire  = meaning{kind: alert.Tripwire, moment: true}
	intrusion = meaning{kind: alert.Intrusion}
	left      = meaning{kind: alert.LeftObject, moment: true}
	leaving   = meaning{kind: alert.Motion, moment: true}
	tamper    = meaning{kind: alert.Tamper}
	noVideo   = meaning{kind: alert.VideoLoss}
	storage   = meaning{kind: alert.StorageFault}
	broken    = meaning{kind: alert.DeviceFault}
	input     = meaning{kind: alert.Other}
	nothing   = meaning{quiet: true, why: "the device tells of itself: nothing happened"}
	access    = meaning{why: "access control is never read"}
	sound     = meaning{why: "sounds are not told"}
	counted   = meaning{why: "counts are not told"}
	body      = meaning{why: "the temperature of somebody is never read"}
	unknown   = meaning{why: "no event of this topic is known"}
)

// topics is the allow-list: the first segments of a topic's path, in lower case and without prefixes. The longest match wins
// (ONVIF Core, 8.8 and Analytics, annex A; Imaging, 9; Device IO, 5; and vendors' own).
var topics = map[string]meaning{
	"videosource/motionalarm":                      motion,
	"videosource/globalscenechange":                tamper,
	"videosource/globalscenechange/imagetooblurry": {kind: alert.Defocused},
	"videosource/globalscenechange/imagetoodark":   {kind: alert.Black},
	"videosource/globalscenechange/imagetoobright": {kind: alert.Other},
	"videosource/alarm":                            {kind: alert.Other, moment: true},
	"videosource/radiometryalarm":                  {kind: alert.Temperature},
	"useralarm/recurring":                          nothing,
	"call":                                         nothing,
	"mqtt":                                         nothing,
	"mediaclip":                                    nothing,
	"device/mqtt":                                  nothing,
	"device/systemmessage":                         nothing,
	"videosource/imagetooblurry":                   {kind: alert.Defocused},
	"videosource/imagetoodark":                     {kind: alert.Black},
	"videosource/imagetoobright":                   {kind: alert.Other},
	"videosource/signalloss":                       noVideo,
	"videosource/signallost":                       noVideo,
	"videosource/videoloss":                        noVideo,
	"videosource/connectionfailed":                 noVideo,
	"videosource/tampering":                        {kind: alert.Covered, moment: true},
	"videosource/signalstandardmismatch":           nothing,
	"videosource/daynightvision":                   nothing,
	"videosource/livestreamaccessed":               nothing,
	"videosource/abr":                              nothing,
	"device/hardwarefailure":                       broken,
	"device/hardwarefailure/storagefailure":        storage,
	"device/trigger/relay":                         nothing,
	"device/io/outputport":                         nothing,
	"device/io/virtualport":                        nothing,
	"device/sensor/pir":                            motion,
	"device/casing":                                tamper,
	"device/tamper":                                tamper,
	"casing":                                       tamper,
	"device/shockdetected":                         {kind: alert.Vibration, moment: true},
	"device/status/temperature/inside":             nothing,
	"device/status/temperature":                    broken,
	"device/light":                                 nothing,
	"device/heater":                                nothing,
	"device/operationmode":                         nothing,
	"device/status":                                nothing,
	"device/network":                               nothing,
	"storage/alert":                                storage,
	"storage/disruption":                           storage,
	"storage":                                      nothing,
	"monitoring":                                   nothing,
	"configuration":                                nothing,
	"ptzcontroller":                                nothing,
	"lightcontrol":                                 nothing,
	"media":                                        nothing,
	"mediacontrol":                                 nothing,
	"mediaprofile":                                 nothing,
	"recordingconfig":                              nothing,
	"recordinghistory":                             nothing,
	"recording":                                    nothing,
	"advancedsecurity":                             nothing,
	"hardwarefailure":                              broken,
	"audiosource":                                  sound,
	"audioanalytics":                               sound,
	"accesscontrol":                                access,
	"accesspoint":                                  access,
	"accessprofile":                                access,
	"credential":                                   access,
	"authentication":                               access,
	"schedule":                                     access,
	"door":                                         access,
	"userauthentication":                           access,
	"ruleengine/countaggregation":                  counted,
	"ruleengine/linecounting":                      counted,
	"ruleengine/linecounter":                       counted,
	"ruleengine/radiometry":                        {kind: alert.Temperature},
	"ruleengine/myruledetector/visitor":            person,
	"ruleengine/myruledetector/package":            left,
	"userapplication":                              nothing,
	"logging":                                      nothing,
	"usermanagement":                               nothing,
	"videoanalytics/radiometry":                    nothing,
	"cameraapplicationplatform/fenceguard":         {kind: alert.Tripwire},
	"cameraapplicationplatform/loiteringguard":     intrusion,
	"cameraapplicationplatform/motionguard":        motion,
	"cameraapplicationplatform/vmd":                motion,
	"cameraapplicationplatform/objectanalytics":    motion,
}

// families are what is left of a topic whose parts say nothing.
var families = map[string]meaning{
	"device/trigger": input,
	"device/io":      input,
	"iva":            motion,
}

// words are single segments that say the same wherever they stand: the names of rules differ between vendors, those of what
// they detect hardly. The last segment that is listed wins.
var words = map[string]meaning{
	"motion": motion, "motionalarm": motion, "motiondetector": motion, "motiondetection": motion, "motionregiondetector": motion,
	"cellmotiondetector": motion, "vmd": motion, "vmd3": motion, "vmd4": motion, "pir": motion, "motiondetect": motion, "detectanyobject": motion, "videomotion": motion, "smartmotion": motion,
	"people": person, "peopledetect": person, "peopledetector": person, "peopledetection": person, "humandetect": person,
	"humandetector": person, "humandetection": person, "humanshapedetect": person, "persondetect": person, "persondetector": person,
	"persondetection": person, "pedestriandetect": person, "pedestriandetection": person, "bodydetect": person, "ringdetector": person,
	"face": person, "facedetect": person, "facedetector": person, "facedetection": person, "facerecognition": person, "humanface": person,
	"facerecog": person, "visitor": person, "callrequest": person, "doorbell": person, "human": person, "person": person,
	"vehicle": vehicle, "car": vehicle, "cardetector": vehicle, "vehicledetect": vehicle, "vehicledetector": vehicle, "vehicledetection": vehicle, "licenseplate": vehicle,
	"licenseplatedetector": vehicle, "licenseplatedetection": vehicle, "licenseplaterecognition": vehicle, "platerecognition": vehicle, "lpr": vehicle,
	"anpr": vehicle, "platedetection": vehicle, "nonmotorvehicledetection": vehicle, "alpv": vehicle,
	"dogcatdetect": animal, "petdetect": animal, "petdetector": animal, "petdetection": animal, "animaldetection": animal, "animaldetect": animal, "animal": animal, "pet": animal,
	"tpsmartevent": objects, "tpsmarteventdetector": objects, "objectdetection": objects, "objectdetector": objects, "objectdetect": objects,
	"linedetector": tripwire, "linecross": tripwire, "linecrossing": tripwire, "linecrossdetector": tripwire, "crossed": tripwire,
	"linecrossdetection": tripwire, "crossingdetector": tripwire, "tripwire": tripwire, "crosslinedetection": tripwire, "fenceguard": tripwire, "polygonlinedetector": tripwire,
	"crossingline": tripwire, "crossline": tripwire, "crosslinedetector": tripwire,
	"fielddetector": intrusion, "objectsinside": intrusion, "intrusion": intrusion, "intrusiondetector": intrusion, "intrusiondetection": intrusion, "crossregion": intrusion,
	"crossregiondetection": intrusion, "regionentrance": intrusion, "enteringfield": intrusion, "objectinfield": intrusion, "inside": intrusion, "insidefield": intrusion, "areadetector": intrusion, "enteringdetection": intrusion, "areaenter": intrusion, "areaintrusion": intrusion, "perimeter": intrusion,
	"loiteringdetector": intrusion, "loitering": intrusion, "loiteringdetection": intrusion, "loiteringguard": intrusion, "objectisloitering": intrusion,
	"outside": leaving, "objectsoutside": leaving, "objectsleave": leaving, "objectsloitering": intrusion, "exited": leaving, "leavingfield": leaving, "regionexit": leaving, "regionexiting": leaving, "exitregion": leaving, "arealeave": leaving,
	"entered": intrusion, "directionalmotion": motion, "packagedetector": left, "removedobjectdetector": {kind: alert.Other, moment: true},
	"flamedetector": {kind: alert.Fire}, "earlyfiredetection": {kind: alert.Fire}, "shockdetection": {kind: alert.Vibration, moment: true},
	"maskalarm": {kind: alert.Covered}, "mask": {kind: alert.Covered}, "temperaturealarm": {kind: alert.Temperature}, "temperaturedifference": {kind: alert.Temperature},
	"audioalarm": sound, "crowddetection": counted, "crowd": counted, "queue": counted, "occupancycounting": counted,
	"abandoneditem": left, "abandonedobject": left, "abandonedobjectdetector": left, "unattendedobject": left, "unattendedobjectdetection": left,
	"objectleft": left, "leftobject": left, "leftdetection": left, "packagedetect": left, "unattendedbaggage": left, "idleobject": left,
	"missingobject": {kind: alert.Other, moment: true}, "removedobject": {kind: alert.Other, moment: true}, "objectremoved": {kind: alert.Other, moment: true},
	"takenawaydetection": {kind: alert.Other, moment: true}, "objecttaken": {kind: alert.Other, moment: true},
	"tamper": tamper, "tamperdetector": tamper, "tamperdetection": tamper, "tampering": tamper, "tamperalarm": tamper, "globalscenechange": tamper, "scenechange": tamper,
	"scenechangedetection": tamper, "videoblind": {kind: alert.Covered}, "shelteralarm": {kind: alert.Covered}, "occlusion": {kind: alert.Covered},
	"imagetoodark": {kind: alert.Black}, "imagetooblurry": {kind: alert.Defocused}, "defocus": {kind: alert.Defocused}, "defocusdetection": {kind: alert.Defocused},
	"signalloss": noVideo, "signallost": noVideo, "videoloss": noVideo, "videolost": noVideo,
	"alarmin": input, "alarminput": input, "digitalinput": input,
	"storagefailure": storage, "diskfull": storage, "diskerror": storage, "hdderror": storage, "hddfull": storage,
	"firedetector": {kind: alert.Fire}, "firedetection": {kind: alert.Fire}, "firealarm": {kind: alert.Fire}, "fire": {kind: alert.Fire}, "flame": {kind: alert.Fire},
	"smokedetector": {kind: alert.Smoke}, "smokedetection": {kind: alert.Smoke}, "smoke": {kind: alert.Smoke}, "smokedetect": {kind: alert.Smoke}, "firedetect": {kind: alert.Fire},
	"babycry": sound, "babycrydetector": sound, "babydetector": sound, "baby": sound, "detectedsound": sound, "audiodetection": sound, "sounddetector": sound,
	"bodytemperature": body, "bodytemperaturealarm": body, "bodytemperaturedetection": body, "humantemperature": body, "facetemperature": body,
	"glassbreak": sound, "soundclassification": sound, "counter": counted, "peoplecounting": counted, "counting": counted,
}

// meaningOf looks a topic up.
func meaningOf(path []string) meaning {
	if m := longest(topics, path); m != unknown {
		return m
	}
	for n := len(path); n > 0; n-- {
		if m, ok := words[path[n-1]]; ok {
			return m
		}
	}
	return longest(families, path)
}

// longest is the meaning of the longest beginning of a path that is listed.
func longest(table map[string]meaning, path []string) meaning {
	for n := len(path); n > 0; n-- {
		if m, ok := table[strings.Join(path[:n], "/")]; ok {
			return m
		}
	}
	return unknown
}
