package dahua

import (
	"gridgate/protocols/alert"
	"gridgate/protocols/vendor"
)

// Reasons why a code is ignored.
const (
	aboutPerson = "the event is about a person or an identity, not about a place"
	aboutLogin  = "somebody's log-in is no event of a place"
	statistics  = "statistics are no event"
	ofItself    = "the device tells of itself"
)

// codes are the codes of events, in lower case (HTTP API, "Attach Event", and what devices send beside).
var codes = vendor.Table(
	vendor.Meaning{Kind: alert.Motion}.Of("VideoMotion", "MoveDetection", "FastMoving", "AlarmPIR", "PIRAlarm", "MotionDetect", "SmartMotion", "VideoMotionEx", "CrowdMotion", "RadarMotion"),
	vendor.Meaning{Kind: alert.Motion, Object: alert.Person}.Of("SmartMotionHuman", "HumanDetection", "PedestrianDetection"),
	vendor.Meaning{Kind: alert.Motion, Object: alert.Vehicle}.Of("SmartMotionVehicle", "VehicleDetection", "NonMotorDetect"),
	vendor.Meaning{Kind: alert.Motion, Object: alert.Animal}.Of("AnimalDetection", "SmartMotionAnimal", "SmartMotionPet", "PetDetection"),
	vendor.Meaning{Kind: alert.Motion, Moment: true, Object: alert.Vehicle}.Of("TrafficJunction", "TrafficGate", "TrafficManualSnap", "TrafficToll", "TrafficTollGate", "TrafficSnap", "TrafficCarMeasurement", "ANPR", "PlateDetection", "VehicleRecognition"),
	vendor.Meaning{Kind: alert.Presence, Moment: true}.Of("FaceDetection", "FaceRecognition"),
	vendor.Meaning{Kind: alert.Presence}.Of("WanderDetection", "RioterDetection", "StayDetection", "CrowdDetection", "QueueStayDetection", "QueueNumDetection", "ManNumDetection", "GatherDetection"),
	vendor.Meaning{Kind: alert.Presence, Object: alert.Vehicle}.Of("ParkingDetection", "TrafficParking", "ElevatorEBikeDetection"),
	vendor.Meaning{Kind: alert.Tripwire}.Of("CrossLineDetection", "CrossFenceDetection", "RetrogradeDetection", "TrafficRetrograde"),
	vendor.Meaning{Kind: alert.Intrusion}.Of("CrossRegionDetection", "ClimbDetection", "RadarRegionDetection", "RadarRegionAlarm", "BreakIn"),
	vendor.Meaning{Kind: alert.LeftObject}.Of("LeftDetection"),
	vendor.Meaning{Kind: alert.Smoke}.Of("SmokeDetection", "SmokingAlarm", "SmokeAlarm", "AlarmSmoke"),
	vendor.Meaning{Kind: alert.Fire}.Of("FireWarning", "FireWarningInfo", "FireDetection", "FireAlarm", "OpenFlameDetection"),
	vendor.Meaning{Kind: alert.Gas}.Of("GasAlarm", "GasDetection"),
	vendor.Meaning{Kind: alert.Temperature}.Of("HeatImagingTemper", "HeatImagingTemperature", "HotSpotWarning", "ColdSpotWarning", "TemperatureAlarm", "BetweenRuleTempDiffAlarm"),
	vendor.Meaning{Kind: alert.SOS}.Of("UrgencyAlarm", "EmergencyCall", "EmergencyAlarm", "PanicAlarm"),
	vendor.Meaning{Kind: alert.Door}.Of("DoorStatus", "DoorNotClosed"),
	vendor.Meaning{Kind: alert.Power}.Of("PowerFault", "MainPowerFault", "VoltageAbnormal"),
	vendor.Meaning{Kind: alert.LowBattery}.Of("BatteryLowPower", "LowBattery", "BatteryLow"),
	vendor.Meaning{Kind: alert.Tamper}.Of("ChassisIntruded", "TamperAlarm", "Tamper", "AntiTamper", "DeviceTamper"),
	vendor.Meaning{Kind: alert.Covered}.Of("VideoBlind", "VideoCover", "Shelter"),
	vendor.Meaning{Kind: alert.Defocused}.Of("VideoUnFocus", "VideoDefocus"),
	vendor.Meaning{Kind: alert.Turned}.Of("SceneChange", "CameraMove"),
	vendor.Meaning{Kind: alert.Frozen}.Of("VideoFreeze", "VideoFrozen"),
	vendor.Meaning{Kind: alert.VideoLoss}.Of("VideoLoss", "FrontVideoLoss", "RemoteVideoLoss"),
	vendor.Meaning{Kind: alert.DeviceFault}.Of("VideoAbnormalDetection", "NetAbort", "IPConflict", "MACConflict", "NetworkAbnormal", "FanSpeed", "FanFault", "Temperature", "HighTemperature", "CPUOverload", "DeviceAbnormal", "EncoderFault"),
	vendor.Meaning{Kind: alert.StorageFault}.Of("StorageNotExist", "StorageFailure", "StorageLowSpace", "StorageAbnormal", "StorageReadOnly", "NoDisk", "DiskError", "DiskFull", "HDDFault", "RAIDDegraded", "RAIDFailure", "StorageDeviceAbnormal", "StorageHealthAbnormal", "RecordLoss", "HotSpareException"),
	vendor.Meaning{Kind: alert.DeviceOffline}.Of("RemoteDeviceOffline", "CameraOffline", "DeviceOffline", "RemoteOffline"),
	vendor.Meaning{Kind: alert.Other}.Of("AlarmLocal", "AlarmNet", "ExAlarm", "AlarmEx", "AlarmExtended", "AlarmIPC", "RemoteExternalAlarm", "LocalAlarm", "NetAlarm", "SensorAlarm", "ProfileAlarmTransmit", "AlarmBell", "AlarmInputSourceSignal", "AudioMutation", "AudioAnomaly", "AudioDetection", "TakenAwayDetection", "FightDetection", "TumbleDetection",
		"FallDownDetection", "LeaveDetection", "PasteDetection", "SuspiciousDetection", "AbnormalRunDetection", "RunDetection", "UAVDetection", "HighTossDetect", "BlockDetection", "TrafficJam", "TrafficAccident"),
	vendor.Meaning{Quiet: "noise beside the states of motion"}.Of("VideoMotionInfo", "MDResult", "SmartMotionInfo"),
	vendor.Meaning{Quiet: ofItself}.Of("NTPAdjustTime", "TimeChange", "NewFile", "RtspSessionDisconnect", "RtspSessionConnect", "RtspSession", "Heartbeat", "IntelliFrame", "DGSErrorReport", "StorageChange", "SystemState", "LeFunctionStatusSync", "KeepLightOn", "InfraredLightStatus", "AlarmOutput", "UpgradeState", "Upgrade",
		"SIPRegisterResult", "APConnect", "BackLightOn", "BackLightOff", "UpdateFile", "RecordDelete", "CfgChange", "DevicePowerOn", "RequestCallState", "Reboot", "ConfigChange", "FileRemoved", "RecordState", "PTZStatus", "PTZPreset", "NetMonitorAbort", "PicFlowRate", "LensState", "DayNightSwitch", "WorkModeChange", "StateReport", "InterVideoAccess", "TimeSync", "FlowRate", "NetworkChange", "NTPAdjust", "PlayFinish", "SnapState", "Reset", "VideoTalk", "AutoRegister", "APNotificationInfo", "AudioPlay", "WirelessNetState", "VideoEncodeState"),
	vendor.Meaning{Never: aboutLogin}.Of("LoginFailure", "LoginFailed", "IllegalAccess", "SafetyAbnormal", "UserLock", "UserUnlock", "UserLogin", "UserLogout"),
	vendor.Meaning{Never: aboutPerson}.Of("AccessControl", "AccessSnap", "AccessIdentify", "DoorCard", "DoorFace", "DoorControl", "FingerPrintCheck", "FaceComparision", "FaceComparison", "FaceAttribute", "FaceFeatureAbstract", "FaceLib", "HumanTrait", "HumanAttribute", "HumanComparison", "AnatomyTempDetect", "HumanTemperature", "BodyTemperature",
		"CitizenPictureCompare", "PasswordCheck", "Invite", "CallNoAnswered", "IgnoreInvite", "HangupPhone", "Hangup", "HungupPhone", "BackKeyLight", "CallSnap", "PhoneCallDetect", "SmokingDetect", "VehicleBlackList", "VehicleWhiteList", "TrafficCar", "WorkClothesDetection", "WorkClothesDetect", "HelmetDetection", "IDCardInfo", "QRCode", "VisitorEvent", "ReservationVisitor",
		"POSMessage", "StrangerDetection", "UnauthorizedAccess"),
	vendor.Meaning{Never: statistics}.Of("NumberStat", "PeopleStat", "TrafficFlowStat", "TrafficFluxStat", "FlowStat", "HeatMap", "VehicleDistributionData", "RadarSpeed", "NumberStatPlan", "CrowdFlow"),
)

// abnormal are the types of VideoAbnormalDetection; of others nobody knows more than that the picture is wrong.
var abnormal = vendor.Table(
	vendor.Meaning{Kind: alert.VideoLoss}.Of("loss", "videoloss"),
	vendor.Meaning{Kind: alert.Frozen}.Of("freeze", "frozen"),
	vendor.Meaning{Kind: alert.Covered}.Of("shelter", "blind", "cover"),
	vendor.Meaning{Kind: alert.Turned}.Of("motion", "scenechange"),
	vendor.Meaning{Kind: alert.Black}.Of("toodark", "dark"),
	vendor.Meaning{Kind: alert.Defocused}.Of("defocus", "unfocus"),
)

// Kinds are all that the dialect may tell.
func Kinds() []alert.Kind { return vendor.KindsOf(codes, abnormal) }
