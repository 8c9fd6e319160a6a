package dahua

import (
	"maps"
	"strings"

	"gridgate/protocols/alert"
)

// meaning is what a code says.
type meaning struct {
	kind   alert.Kind
	moment bool         // it has no duration, whatever its action
	object alert.Object // what the code is about, for motion and presence
	quiet  string       // understood, nothing to tell
	never  string       // why it is ignored
}

// Reasons why a code is ignored.
const (
	aboutPerson = "the event is about a person or an identity, not about a place"
	aboutLogin  = "somebody's log-in is no event of a place"
	statistics  = "statistics are no event"
	ofItself    = "the device tells of itself"
)

// codes are the codes of events, in lower case (HTTP API, "Attach Event", and what devices send beside).
var codes = table(
	group(meaning{kind: alert.Motion}, "VideoMotion", "MoveDetection", "FastMoving", "AlarmPIR", "PIRAlarm", "MotionDetect", "SmartMotion", "VideoMotionEx", "CrowdMotion", "RadarMotion"),
	group(meaning{kind: alert.Motion, object: alert.Person}, "SmartMotionHuman", "HumanDetection", "PedestrianDetection"),
	group(meaning{kind: alert.Motion, object: alert.Vehicle}, "SmartMotionVehicle", "VehicleDetection", "NonMotorDetect"),
	group(meaning{kind: alert.Motion, object: alert.Animal}, "AnimalDetection", "SmartMotionAnimal", "SmartMotionPet", "PetDetection"),
	group(meaning{kind: alert.Motion, moment: true, object: alert.Vehicle}, "TrafficJunction", "TrafficGate", "TrafficManualSnap", "TrafficToll", "TrafficTollGate", "TrafficSnap", "TrafficCarMeasurement", "ANPR", "PlateDetection", "VehicleRecognition"),
	group(meaning{kind: alert.Presence, moment: true}, "FaceDetection", "FaceRecognition"),
	group(meaning{kind: alert.Presence}, "WanderDetection", "RioterDetection", "StayDetection", "CrowdDetection", "QueueStayDetection", "QueueNumDetection", "ManNumDetection", "GatherDetection"),
	group(meaning{kind: alert.Presence, object: alert.Vehicle}, "ParkingDetection", "TrafficParking", "ElevatorEBikeDetection"),
	group(meaning{kind: alert.Tripwire}, "CrossLineDetection", "CrossFenceDetection", "RetrogradeDetection", "TrafficRetrograde"),
	group(meaning{kind: alert.Intrusion}, "CrossRegionDetection", "ClimbDetection", "RadarRegionDetection", "RadarRegionAlarm", "BreakIn"),
	group(meaning{kind: alert.LeftObject}, "LeftDetection"),
	group(meaning{kind: alert.Smoke}, "SmokeDetection", "SmokingAlarm", "SmokeAlarm", "AlarmSmoke"),
	group(meaning{kind: alert.Fire}, "FireWarning", "FireWarningInfo", "FireDetection", "FireAlarm", "OpenFlameDetection"),
	group(meaning{kind: alert.Gas}, "GasAlarm", "GasDetection"),
	group(meaning{kind: alert.Temperature}, "HeatImagingTemper", "HeatImagingTemperature", "HotSpotWarning", "ColdSpotWarning", "TemperatureAlarm", "BetweenRuleTempDiffAlarm"),
	group(meaning{kind: alert.SOS}, "UrgencyAlarm", "EmergencyCall", "EmergencyAlarm", "PanicAlarm"),
	group(meaning{kind: alert.Door}, "DoorStatus", "DoorNotClosed"),
	group(meaning{kind: alert.Power}, "PowerFault", "MainPowerFault", "VoltageAbnormal"),
	group(meaning{kind: alert.LowBattery}, "BatteryLowPower", "LowBattery", "BatteryLow"),
	group(meaning{kind: alert.Tamper}, "ChassisIntruded", "TamperAlarm", "Tamper", "AntiTamper", "DeviceTamper"),
	group(meaning{kind: alert.Covered}, "VideoBlind", "VideoCover", "Shelter"),
	group(meaning{kind: alert.Defocused}, "VideoUnFocus", "VideoDefocus"),
	group(meaning{kind: alert.Turned}, "SceneChange", "CameraMove"),
	group(meaning{kind: alert.Frozen}, "VideoFreeze", "VideoFrozen"),
	group(meaning{kind: alert.VideoLoss}, "VideoLoss", "FrontVideoLoss", "RemoteVideoLoss"),
	group(meaning{kind: alert.DeviceFault}, "VideoAbnormalDetection", "NetAbort", "IPConflict", "MACConflict", "NetworkAbnormal", "FanSpeed", "FanFault", "Temperature", "HighTemperature", "CPUOverload", "DeviceAbnormal", "EncoderFault"),
	group(meaning{kind: alert.StorageFault}, "StorageNotExist", "StorageFailure", "StorageLowSpace", "StorageAbnormal", "StorageReadOnly", "NoDisk", "DiskError", "DiskFull", "HDDFault", "RAIDDegraded", "RAIDFailure", "StorageDeviceAbnormal", "StorageHealthAbnormal", "RecordLoss", "HotSpareException"),
	group(meaning{kind: alert.DeviceOffline}, "RemoteDeviceOffline", "CameraOffline", "DeviceOffline", "RemoteOffline"),
	group(meaning{kind: alert.Other}, "AlarmLocal", "AlarmNet", "ExAlarm", "AlarmEx", "AlarmExtended", "AlarmIPC", "RemoteExternalAlarm", "LocalAlarm", "NetAlarm", "SensorAlarm", "ProfileAlarmTransmit", "AlarmBell", "AlarmInputSourceSignal", "AudioMutation", "AudioAnomaly", "AudioDetection", "TakenAwayDetection", "FightDetection", "TumbleDetection",
		"FallDownDetection", "LeaveDetection", "PasteDetection", "SuspiciousDetection", "AbnormalRunDetection", "RunDetection", "UAVDetection", "HighTossDetect", "BlockDetection", "TrafficJam", "TrafficAccident"),
	group(meaning{quiet: "noise beside the states of motion"}, "VideoMotionInfo", "MDResult", "SmartMotionInfo"),
	group(meaning{quiet: ofItself}, "NTPAdjustTime", "TimeChange", "NewFile", "RtspSessionDisconnect", "RtspSessionConnect", "RtspSession", "Heartbeat", "IntelliFrame", "DGSErrorReport", "StorageChange", "SystemState", "LeFunctionStatusSync", "KeepLightOn", "InfraredLightStatus", "AlarmOutput", "UpgradeState", "Upgrade",
		"SIPRegisterResult", "APConnect", "BackLightOn", "BackLightOff", "UpdateFile", "RecordDelete", "CfgChange", "DevicePowerOn", "RequestCallState", "Reboot", "ConfigChange", "FileRemoved", "RecordState", "PTZStatus", "PTZPreset", "NetMonitorAbort", "PicFlowRate", "LensState", "DayNightSwitch", "WorkModeChange", "StateReport", "InterVideoAccess", "TimeSync", "FlowRate", "NetworkChange", "NTPAdjust", "PlayFinish", "SnapState", "Reset", "VideoTalk", "AutoRegister", "APNotificationInfo", "AudioPlay", "WirelessNetState", "VideoEncodeState"),
	group(meaning{never: aboutLogin}, "LoginFailure", "LoginFailed", "IllegalAccess", "SafetyAbnormal", "UserLock", "UserUnlock", "UserLogin", "UserLogout"),
	group(meaning{never: aboutPerson}, "AccessControl", "AccessSnap", "AccessIdentify", "DoorCard", "DoorFace", "DoorControl", "FingerPrintCheck", "FaceComparision", "FaceComparison", "FaceAttribute", "FaceFeatureAbstract", "FaceLib", "HumanTrait", "HumanAttribute", "HumanComparison", "AnatomyTempDetect", "HumanTemperature", "BodyTemperature",
		"CitizenPictureCompare", "PasswordCheck", "Invite", "CallNoAnswered", "IgnoreInvite", "HangupPhone", "Hangup", "HungupPhone", "BackKeyLight", "CallSnap", "PhoneCallDetect", "SmokingDetect", "VehicleBlackList", "VehicleWhiteList", "TrafficCar", "WorkClothesDetection", "WorkClothesDetect", "HelmetDetection", "IDCardInfo", "QRCode", "VisitorEvent", "ReservationVisitor",
		"POSMessage", "StrangerDetection", "UnauthorizedAccess"),
	group(meaning{never: statistics}, "NumberStat", "PeopleStat", "TrafficFlowStat", "TrafficFluxStat", "FlowStat", "HeatMap", "VehicleDistributionData", "RadarSpeed", "NumberStatPlan", "CrowdFlow"),
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
		maps.Copy(out, g)
	}
	return out
}

// abnormal are the types of VideoAbnormalDetection; of others nobody knows more than that the picture is wrong.
var abnormal = map[string]alert.Kind{
	"loss": alert.VideoLoss, "videoloss": alert.VideoLoss, "freeze": alert.Frozen, "frozen": alert.Frozen, "shelter": alert.Covered, "blind": alert.Covered, "cover": alert.Covered,
	"motion": alert.Turned, "scenechange": alert.Turned, "toodark": alert.Black, "dark": alert.Black, "defocus": alert.Defocused, "unfocus": alert.Defocused,
}

// Kinds are all that the dialect may tell.
func Kinds() []alert.Kind {
	told := map[alert.Kind]bool{}
	for _, m := range codes {
		told[m.kind] = true
	}
	for _, k := range abnormal {
		told[k] = true
	}
	var out []alert.Kind
	for _, k := range alert.Kinds() {
		if told[k] {
			out = append(out, k)
		}
	}
	return out
}
