package hikvision

import (
	"gridgate/protocols/alert"
	"gridgate/protocols/vendor"
)

// Reasons why a type is ignored.
const (
	aboutPerson = "the event is about a person or an identity, not about a place"
	statistics  = "statistics are no event"
	aboutLogin  = "somebody's log-in is no event of a place"
)

// types are the event types (ISAPI "eventType"), in lower case.
var types = vendor.Table(
	vendor.Meaning{Kind: alert.Motion}.Of("VMD", "motionDetection", "PIR", "pirAlarm", "rapidMove", "running", "movement", "targetDetection", "objectDetection", "moveDetection", "motion", "multiRadarTargetEvent"),
	vendor.Meaning{Kind: alert.Motion, Object: alert.Person}.Of("humanDetection", "peopleDetection", "bodyDetection", "humanBodyDetection", "pedestrianDetection"),
	vendor.Meaning{Kind: alert.Motion, Moment: true}.Of("mixedTargetDetection"),
	vendor.Meaning{Kind: alert.Motion, Moment: true, Object: alert.Vehicle}.Of("vehicleDetection", "ANPR", "vehicledetection", "vehicleSnap", "vehicleCapture"),
	vendor.Meaning{Kind: alert.Motion, Object: alert.UnknownObject}.Of("shipsDetection", "shipDetection"),
	vendor.Meaning{Kind: alert.Presence, Moment: true}.Of("faceSnap", "faceDetection", "faceCapture"),
	vendor.Meaning{Kind: alert.Presence}.Of("loitering", "group", "peopleGathering", "gathering", "overtimeTarry", "toiletTarry", "retention", "personDensityDetection", "personQueueDetection", "personQueueDetecton", "personQueueTime", "personQueueCounting", "stay", "sleepOnDuty"),
	vendor.Meaning{Kind: alert.Presence, Object: alert.Vehicle}.Of("parking", "parkingDetection", "illegalParking", "vehicleStay"),
	vendor.Meaning{Kind: alert.Tripwire}.Of("linedetection", "lineCrossing", "crossLine", "wanderLine", "retrograde", "wrongDirection"),
	vendor.Meaning{Kind: alert.Intrusion}.Of("fielddetection", "regionEntrance", "regionExiting", "regionExit", "intrusion", "climb", "electronicFence", "perimeter", "radarFieldDetection", "radarPerimeterRule"),
	vendor.Meaning{Kind: alert.LeftObject}.Of("unattendedBaggage", "leftObject", "objectLeft"),
	vendor.Meaning{Kind: alert.Smoke}.Of("smokeDetection", "smokeAlarm", "smokeDetect", "smokeSensor"),
	vendor.Meaning{Kind: alert.Fire}.Of("fireDetection", "fireAlarm", "firePointDetection", "smokeAndFireDetection", "fireSmokeDetection", "smokeFireDetection"),
	vendor.Meaning{Kind: alert.Gas}.Of("gasDetection", "gasAlarm", "combustibleGasAlarm"),
	vendor.Meaning{Kind: alert.Temperature}.Of("TMA", "TMPA", "TDA", "temperatureAlarm", "temperatureDetection", "thermometryAlarm", "thermometryDetection", "temperatureDifferenceAlarm", "highTemperature"),
	vendor.Meaning{Kind: alert.Leak}.Of("waterLeakage", "waterImmersion"),
	vendor.Meaning{Kind: alert.WaterLevel}.Of("waterLevelDetection", "waterLevelAlarm"),
	vendor.Meaning{Kind: alert.SOS}.Of("emergencyAlarm", "panicAlarm", "callHelp", "helpAlarm", "oneKeyAlarm", "emergencyCallHelp"),
	vendor.Meaning{Kind: alert.Vibration}.Of("vibrationDetection", "vibration"),
	vendor.Meaning{Kind: alert.Tamper}.Of("tamperAlarm", "caseTamper", "antiTamper", "deviceTamper"),
	vendor.Meaning{Kind: alert.Covered}.Of("shelteralarm", "tamperdetection", "videoTampering", "hideDetection", "occlusion"),
	vendor.Meaning{Kind: alert.VideoLoss}.Of("videoloss", "badvideo", "videoException", "videoSignalException"),
	vendor.Meaning{Kind: alert.Turned}.Of("scenechangedetection", "sceneChange", "PTZAngleException", "cameraAngleAnomaly"),
	vendor.Meaning{Kind: alert.Defocused}.Of("defocus", "defocusDetection", "defocusdetection"),
	vendor.Meaning{Kind: alert.StorageFault}.Of("diskfull", "diskerror", "hdFull", "hdError", "hdBadBlock", "hdBadBlockAlarm", "hdBadBlockException", "hdHighTemperature", "hdLowTemperature", "hdImpact", "hdSevereFault", "hdFaultWarning", "hdUnformatted", "diskUnformat", "storageDetection", "storageException", "recordingfailure", "recordException",
		"raidfailure", "raidException", "radifailure", "spareException", "hardDiskFailure", "SDCardException", "noDisk", "flashAnomaly", "hdDisconnect", "healthDetection"),
	vendor.Meaning{Kind: alert.DeviceFault}.Of("nicbroken", "ipconflict", "macconflict", "videomismatch", "resolutionmismatch", "fanfailure", "overheat", "abnormalReboot", "poePowerException", "deviceAbnormal", "deviceException", "cpuOverload", "networkException", "temperatureException"),
	vendor.Meaning{Kind: alert.DeviceOffline}.Of("ipcDisconnect", "ipChannelDisconnect", "channelOffline"),
	vendor.Meaning{Kind: alert.Power}.Of("powerException", "powerFailure", "mainsFailure", "ACLoss"),
	vendor.Meaning{Kind: alert.LowBattery}.Of("batteryLow", "lowBattery", "batteryPowerLow", "lowPower"),
	vendor.Meaning{Kind: alert.Other}.Of("IO", "WLSensor", "audioexception", "audioDetection", "attendedBaggage", "objectRemoval", "leavePosition", "advLeavePosition", "violentMotion", "failDown", "fallDown", "advReachHeight", "reachHeight", "standUp", "sitting", "objectsThrownDetection",
		"elevatorElectricMobile", "pulseAlarm", "audioSteepDrop", "stickUp", "installScanner", "peopleNumChange", "spacingChange", "hazmat", "wirelessAlarm", "sensorAlarm", "AID"),
	vendor.Meaning{Quiet: "a heartbeat"}.Of("heartBeat", "keepAlive"),
	vendor.Meaning{Quiet: "the device tells of itself"}.Of("timeSync", "deviceStatus", "PTZStatus", "configChanged", "GISInfo", "GISInfoUpload", "GPSUpload", "systemStatus"),
	vendor.Meaning{Never: aboutLogin}.Of("illaccess", "illegalAccess", "illegalLogin", "userLogin"),
	vendor.Meaning{Never: aboutPerson}.Of("AccessControllerEvent", "faceMatch", "faceContrast", "faceRecognition", "alarmResult", "captureResult", "faceLib", "blackListFaceContrast", "whiteListFaceContrast", "blackList", "whiteList", "humanRecognition", "humanAttribute", "IDCardInfoEvent",
		"QRCodeEvent", "certificateEvent", "voiceTalkEvent", "faceTemperatureMeasurementEvent", "faceTemperature", "faceThermometry", "bodyTemperature", "HTMeasure", "attendance", "cardReader", "fingerPrint", "vehicleMatchResult", "allVehicleList", "otherVehicleList", "vehicleListEvent", "safetyHelmetDetection",
		"smokingDetect", "playCellphone", "dressDetection", "maskDetection", "POS", "FDLibEvent", "stranger", "strangerFaceContrast", "faceSnapMatch", "humanBodyContrast", "behaviorResult", "personArchive", "visitor", "elevatorControl", "callerInfo", "videoIntercom", "smartLock"),
	vendor.Meaning{Never: statistics}.Of("peopleCounting", "counting", "heatmap", "framesPeopleCounting", "passengerFlow", "TFS", "trafficFlow", "queueDetection", "peopleFlow", "regionalPeopleCounting", "thermometry", "realtimeThermometry", "realTimeTemperature", "temperatureUpload"),
)

// panel is the type of the events of alarm panels (AX), whose meaning is in a code: that of Contact ID (SIA DC-05), 1 and the
// three digits for what begins, 3 and the digits for what is over. Arming and disarming is somebody's doing and left out.
const panel = "cidevent"

var panelCodes = vendor.Table(
	vendor.Meaning{Kind: alert.SOS}.Of("100", "101", "102", "120", "121", "122", "123"),
	vendor.Meaning{Kind: alert.Fire}.Of("110", "112", "115", "117", "118"),
	vendor.Meaning{Kind: alert.Smoke}.Of("111"),
	vendor.Meaning{Kind: alert.Heat}.Of("114", "158"),
	vendor.Meaning{Kind: alert.Intrusion}.Of("130", "131", "132", "133", "134", "135", "136"),
	vendor.Meaning{Kind: alert.Tamper}.Of("137", "144", "145", "383"),
	vendor.Meaning{Kind: alert.Gas}.Of("151"),
	vendor.Meaning{Kind: alert.CO}.Of("162"),
	vendor.Meaning{Kind: alert.Leak}.Of("113", "154"),
	vendor.Meaning{Kind: alert.Power}.Of("301"),
	vendor.Meaning{Kind: alert.LowBattery}.Of("302", "384"),
	vendor.Meaning{Kind: alert.DeviceFault}.Of("300", "330", "333", "350", "354", "381"),
)

// Kinds are all that the dialect may tell.
func Kinds() []alert.Kind { return vendor.KindsOf(types, panelCodes) }
