package hikvision

import (
	"strings"

	"gridgate/protocols/alert"
)

// meaning is what an event type says.
type meaning struct {
	kind   alert.Kind
	moment bool         // it has no duration
	object alert.Object // what the type is about, for motion and presence
	quiet  string       // understood, nothing to tell
	never  string       // why it is ignored
}

// Reasons why a type is ignored.
const (
	aboutPerson = "the event is about a person or an identity, not about a place"
	statistics  = "statistics are no event"
	aboutLogin  = "somebody's log-in is no event of a place"
)

// types are the event types (ISAPI "eventType"), in lower case.
var types = table(
	group(meaning{kind: alert.Motion}, "VMD", "motionDetection", "PIR", "pirAlarm", "rapidMove", "running", "movement", "targetDetection", "objectDetection", "moveDetection", "motion", "multiRadarTargetEvent"),
	group(meaning{kind: alert.Motion, object: alert.Person}, "humanDetection", "peopleDetection", "bodyDetection", "humanBodyDetection", "pedestrianDetection"),
	group(meaning{kind: alert.Motion, moment: true}, "mixedTargetDetection"),
	group(meaning{kind: alert.Motion, moment: true, object: alert.Vehicle}, "vehicleDetection", "ANPR", "vehicledetection", "vehicleSnap", "vehicleCapture"),
	group(meaning{kind: alert.Motion, object: alert.UnknownObject}, "shipsDetection", "shipDetection"),
	group(meaning{kind: alert.Presence, moment: true}, "faceSnap", "faceDetection", "faceCapture"),
	group(meaning{kind: alert.Presence}, "loitering", "group", "peopleGathering", "gathering", "overtimeTarry", "toiletTarry", "retention", "personDensityDetection", "personQueueDetection", "personQueueDetecton", "personQueueTime", "personQueueCounting", "stay", "sleepOnDuty"),
	group(meaning{kind: alert.Presence, object: alert.Vehicle}, "parking", "parkingDetection", "illegalParking", "vehicleStay"),
	group(meaning{kind: alert.Tripwire}, "linedetection", "lineCrossing", "crossLine", "wanderLine", "retrograde", "wrongDirection"),
	group(meaning{kind: alert.Intrusion}, "fielddetection", "regionEntrance", "regionExiting", "regionExit", "intrusion", "climb", "electronicFence", "perimeter", "radarFieldDetection", "radarPerimeterRule"),
	group(meaning{kind: alert.LeftObject}, "unattendedBaggage", "leftObject", "objectLeft"),
	group(meaning{kind: alert.Smoke}, "smokeDetection", "smokeAlarm", "smokeDetect", "smokeSensor"),
	group(meaning{kind: alert.Fire}, "fireDetection", "fireAlarm", "firePointDetection", "smokeAndFireDetection", "fireSmokeDetection", "smokeFireDetection"),
	group(meaning{kind: alert.Gas}, "gasDetection", "gasAlarm", "combustibleGasAlarm"),
	group(meaning{kind: alert.Temperature}, "TMA", "TMPA", "TDA", "temperatureAlarm", "temperatureDetection", "thermometryAlarm", "thermometryDetection", "temperatureDifferenceAlarm", "highTemperature"),
	group(meaning{kind: alert.Leak}, "waterLeakage", "waterImmersion"),
	group(meaning{kind: alert.WaterLevel}, "waterLevelDetection", "waterLevelAlarm"),
	group(meaning{kind: alert.SOS}, "emergencyAlarm", "panicAlarm", "callHelp", "helpAlarm", "oneKeyAlarm", "emergencyCallHelp"),
	group(meaning{kind: alert.Vibration}, "vibrationDetection", "vibration"),
	group(meaning{kind: alert.Tamper}, "tamperAlarm", "caseTamper", "antiTamper", "deviceTamper"),
	group(meaning{kind: alert.Covered}, "shelteralarm", "tamperdetection", "videoTampering", "hideDetection", "occlusion"),
	group(meaning{kind: alert.VideoLoss}, "videoloss", "badvideo", "videoException", "videoSignalException"),
	group(meaning{kind: alert.Turned}, "scenechangedetection", "sceneChange", "PTZAngleException", "cameraAngleAnomaly"),
	group(meaning{kind: alert.Defocused}, "defocus", "defocusDetection", "defocusdetection"),
	group(meaning{kind: alert.StorageFault}, "diskfull", "diskerror", "hdFull", "hdError", "hdBadBlock", "hdBadBlockAlarm", "hdBadBlockException", "hdHighTemperature", "hdLowTemperature", "hdImpact", "hdSevereFault", "hdFaultWarning", "hdUnformatted", "diskUnformat", "storageDetection", "storageException", "recordingfailure", "recordException",
		"raidfailure", "raidException", "radifailure", "spareException", "hardDiskFailure", "SDCardException", "noDisk", "flashAnomaly", "hdDisconnect", "healthDetection"),
	group(meaning{kind: alert.DeviceFault}, "nicbroken", "ipconflict", "macconflict", "videomismatch", "resolutionmismatch", "fanfailure", "overheat", "abnormalReboot", "poePowerException", "deviceAbnormal", "deviceException", "cpuOverload", "networkException", "temperatureException"),
	group(meaning{kind: alert.DeviceOffline}, "ipcDisconnect", "ipChannelDisconnect", "channelOffline"),
	group(meaning{kind: alert.Power}, "powerException", "powerFailure", "mainsFailure", "ACLoss"),
	group(meaning{kind: alert.LowBattery}, "batteryLow", "lowBattery", "batteryPowerLow", "lowPower"),
	group(meaning{kind: alert.Other}, "IO", "WLSensor", "audioexception", "audioDetection", "attendedBaggage", "objectRemoval", "leavePosition", "advLeavePosition", "violentMotion", "failDown", "fallDown", "advReachHeight", "reachHeight", "standUp", "sitting", "objectsThrownDetection",
		"elevatorElectricMobile", "pulseAlarm", "audioSteepDrop", "stickUp", "installScanner", "peopleNumChange", "spacingChange", "hazmat", "wirelessAlarm", "sensorAlarm", "AID"),
	group(meaning{quiet: "a heartbeat"}, "heartBeat", "keepAlive"),
	group(meaning{quiet: "the device tells of itself"}, "timeSync", "deviceStatus", "PTZStatus", "configChanged", "GISInfo", "GISInfoUpload", "GPSUpload", "systemStatus"),
	group(meaning{never: aboutLogin}, "illaccess", "illegalAccess", "illegalLogin", "userLogin"),
	group(meaning{never: aboutPerson}, "AccessControllerEvent", "faceMatch", "faceContrast", "faceRecognition", "alarmResult", "captureResult", "faceLib", "blackListFaceContrast", "whiteListFaceContrast", "blackList", "whiteList", "humanRecognition", "humanAttribute", "IDCardInfoEvent",
		"QRCodeEvent", "certificateEvent", "voiceTalkEvent", "faceTemperatureMeasurementEvent", "faceTemperature", "faceThermometry", "bodyTemperature", "HTMeasure", "attendance", "cardReader", "fingerPrint", "vehicleMatchResult", "allVehicleList", "otherVehicleList", "vehicleListEvent", "safetyHelmetDetection",
		"smokingDetect", "playCellphone", "dressDetection", "maskDetection", "POS", "FDLibEvent", "stranger", "strangerFaceContrast", "faceSnapMatch", "humanBodyContrast", "behaviorResult", "personArchive", "visitor", "elevatorControl", "callerInfo", "videoIntercom", "smartLock"),
	group(meaning{never: statistics}, "peopleCounting", "counting", "heatmap", "framesPeopleCounting", "passengerFlow", "TFS", "trafficFlow", "queueDetection", "peopleFlow", "regionalPeopleCounting", "thermometry", "realtimeThermometry", "realTimeTemperature", "temperatureUpload"),
)

func group(m meaning, names ...string) map[string]meaning {
	out := make(map[string]meaning, len(names))
	for _, name := range names {
		out[strings.ToLower(name)] = m
	}
	return out
}

func table(groups ...map[string]meaning) map[string]meaning {
	out := map[string]meaning{}
	for _, g := range groups {
		for name, m := range g {
			out[name] = m
		}
	}
	return out
}

// panel is the type of the events of alarm panels (AX), whose meaning is in a code: that of Contact ID (SIA DC-05), 1 and the
// three digits for what begins, 3 and the digits for what is over. Arming and disarming is somebody's doing and left out.
const panel = "cidevent"

var panelCodes = table(
	group(meaning{kind: alert.SOS}, "100", "101", "102", "120", "121", "122", "123"),
	group(meaning{kind: alert.Fire}, "110", "112", "115", "117", "118"),
	group(meaning{kind: alert.Smoke}, "111"),
	group(meaning{kind: alert.Heat}, "114", "158"),
	group(meaning{kind: alert.Intrusion}, "130", "131", "132", "133", "134", "135", "136"),
	group(meaning{kind: alert.Tamper}, "137", "144", "145", "383"),
	group(meaning{kind: alert.Gas}, "151"),
	group(meaning{kind: alert.CO}, "162"),
	group(meaning{kind: alert.Leak}, "113", "154"),
	group(meaning{kind: alert.Power}, "301"),
	group(meaning{kind: alert.LowBattery}, "302", "384"),
	group(meaning{kind: alert.DeviceFault}, "300", "330", "333", "350", "354", "381"),
)

// Kinds are all that the dialect may tell.
func Kinds() []alert.Kind {
	told := map[alert.Kind]bool{}
	for _, known := range []map[string]meaning{types, panelCodes} {
		for _, m := range known {
			told[m.kind] = true
		}
	}
	var out []alert.Kind
	for _, k := range alert.Kinds() {
		if told[k] {
			out = append(out, k)
		}
	}
	return out
}
