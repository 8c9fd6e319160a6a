package doctor

import "gridgate/protocols/kit/checkup"

// Book is what the checks of an edge can find, in both languages.
var Book = checkup.Join(checkup.Common, checkup.Catalogue{
	"config-problem": {Severity: checkup.Wrong, What: words("%[1]s", "%[1]s"),
		Do: words("Correct the configuration; gridgate-edge check says what is wrong with it.", "请更正配置；gridgate-edge check 会逐项指出问题。")},

	"not-running": {Severity: checkup.Warning, What: words("The edge does not run.", "本程序没有运行。"),
		Do: words("systemctl start gridgate-edge; journalctl -u gridgate-edge says why it ended.", "systemctl start gridgate-edge；用 journalctl -u gridgate-edge 查看退出原因。")},
	"service-mute": {Severity: checkup.Wrong, What: words("The edge runs and does not answer: %[1]s.", "本程序在运行但不应答：%[1]s。"),
		Do: words("Run this as the account that runs the edge; if it does not answer there, systemctl restart gridgate-edge.", "请以运行本程序的账户执行；若仍不应答，执行 systemctl restart gridgate-edge。")},

	"outbox-closed": {Severity: checkup.Wrong, What: words("The outbox cannot be looked at: %[1]s.", "无法查看发件箱：%[1]s。"),
		Do: words("Run this as the account that runs the edge.", "请以运行本程序的账户执行。")},
	"outbox-damaged": {Severity: checkup.Wrong, What: words("The outbox is damaged: %[1]s.", "发件箱已损坏：%[1]s。"),
		Do: words("Restart the edge: it sets the file aside and keeps what can be read. See whether the disk is failing (smartctl).", "请重启本程序：它会另存损坏文件并保留可读内容；请检查磁盘是否故障（smartctl）。")},
	"outbox-backlog": {Severity: checkup.Warning, What: words("%[1]d alerts wait, the oldest for %[2]s.", "有 %[1]d 条告警在等待，最久已等 %[2]s。"),
		Do: words("See the link to central, below. Nothing is lost while they wait.", "请查看下面到中心的链路。等待期间不会丢失。")},
	"outbox-dead": {Severity: checkup.Warning, What: words("Central refused %[1]d entries.", "中心拒收了 %[1]d 条。"),
		Do: words("gridgate-edge outbox dead --config FILE says why; outbox requeue sends them again.", "gridgate-edge outbox dead --config 文件 查看原因；outbox requeue 重新发送。")},
	"outbox-shed": {Severity: checkup.Warning, What: words("%[1]d entries were given up for want of room.", "因空间不足已舍弃 %[1]d 条。"),
		Do: words("Let this machine reach central, or give the outbox a larger disk.", "请恢复到中心的链路，或为发件箱扩容。")},
	"outbox-aside": {Severity: checkup.Warning, What: words("%[1]d damaged outbox files are kept.", "保留着 %[1]d 个损坏的发件箱文件。"),
		Do: words("gridgate-edge outbox status says what of them was saved. See whether the disk or the power is failing.", "gridgate-edge outbox status 会说明恢复了哪些内容。请检查磁盘与供电。")},

	"central-name": {Severity: checkup.Wrong, What: words("The name of central is not known to DNS.", "DNS 无法解析中心的名称。"),
		Do: words("See central.url and this machine's name server (/etc/resolv.conf).", "请核对 central.url 与本机 DNS（/etc/resolv.conf）。")},
	"central-unreached": {Severity: checkup.Wrong, What: words("Central cannot be reached: %[1]s.", "无法连接中心：%[1]s。"),
		Do: words("See cable, modem and firewall; central.url must name central's address and port. Alerts wait in the outbox meanwhile.", "请检查网线、路由与防火墙；central.url 应为中心的地址与端口。其间告警保存在发件箱。")},
	"central-certificate": {Severity: checkup.Wrong, What: words("Central's certificate is not trusted: %[1]s.", "不信任中心的证书：%[1]s。"),
		Do: words("Put central's authority into central.ca, or its new fingerprint into central.fingerprint (gridgate-central edge code prints it). If nobody changed it, somebody may be in between.", "请更新 central.ca 或 central.fingerprint（gridgate-central edge code 会打印）。若无人更换过证书，可能有人冒充中心。")},
	"central-mute": {Severity: checkup.Wrong, What: words("What listens at central's address does not answer as central does: %[1]s.", "中心地址上的程序没有按中心的方式应答：%[1]s。"),
		Do: words("See that central.url is central's and not a proxy's or a router's page; run gridgate-central doctor there.", "请确认 central.url 指向中心而非代理或路由器页面；并在中心运行 gridgate-central doctor。")},
	"central-refuses": {Severity: checkup.Wrong, What: words("The edge does not get through to central: %[1]s.", "本程序无法与中心通信：%[1]s。"),
		Do: words("If it speaks of the credential: a new code from the centre, then gridgate-edge enrol --replace.", "若与凭据有关：请向中心索取新代码，再执行 gridgate-edge enrol --replace。")},
	"clock-off": {Severity: checkup.Warning, What: words("This machine's clock is %[1]s off central's.", "本机时钟与中心相差 %[1]s。"),
		Do: words("Let this machine follow a time server: timedatectl set-ntp true, or chrony.", "请让本机与时间服务器同步：timedatectl set-ntp true 或 chrony。")},

	"credential-none": {Severity: checkup.Wrong, What: words("This edge has no credential.", "本设备没有凭据。"),
		Do: words("Ask the centre for a code (gridgate-central edge add), then: gridgate-edge enrol --config FILE", "请向中心索取一次性代码（gridgate-central edge add），再执行 gridgate-edge enrol --config 文件")},
	"credential-bad": {Severity: checkup.Wrong, What: words("The credential is not good: %[1]s.", "凭据不可用：%[1]s。"),
		Do: words("Ask the centre for a code (gridgate-central edge code), then: gridgate-edge enrol --replace --config FILE", "请向中心索取代码（gridgate-central edge code），再执行 gridgate-edge enrol --replace --config 文件")},
	"credential-ending": {Severity: checkup.Warning, What: words("The credential ends on %[1]s and was not renewed.", "凭据将于 %[1]s 到期且未续期。"),
		Do: words("See that the edge may write to the folder of its token, and that central can be reached.", "请确认程序能写入令牌所在目录，且能连接中心。")},
	"credential-old": {Severity: checkup.Warning, What: words("The credential is %[1]d days old; it should have been renewed.", "凭据已使用 %[1]d 天，本应已续期。"),
		Do: words("Start the edge; if central does not take it any more: a new code, and gridgate-edge enrol --replace.", "请启动本程序；若中心已不接受，请索取新代码并执行 gridgate-edge enrol --replace。")},

	"decoder-none": {Severity: checkup.Wrong, What: words("Pictures cannot be decoded: %[1]s.", "无法解码图像：%[1]s。"),
		Do: words("apt-get install libavcodec59, then restart the edge.", "apt-get install libavcodec59，然后重启本程序。")},

	"camera-unreached": {Severity: checkup.Wrong, What: words("Camera %[1]s cannot be reached: %[2]s.", "摄像机 %[1]s 无法连接：%[2]s。"),
		Do: words("See its power and cable, and that its address is still the same.", "请检查其电源与网线，并确认地址未变。")},
	"camera-mute": {Severity: checkup.Wrong, What: words("Camera %[1]s does not answer in RTSP: %[2]s.", "摄像机 %[1]s 不以 RTSP 应答：%[2]s。"),
		Do: words("See that RTSP is switched on in the camera, and the port in its url.", "请确认摄像机已启用 RTSP，且 url 中端口正确。")},
	"camera-state": {Severity: checkup.Wrong, What: words("Camera %[1]s does not stream (%[2]s): %[3]s.", "摄像机 %[1]s 没有视频（%[2]s）：%[3]s。"),
		Do: words("If it refuses the password, correct the secret before the camera locks the account; else see power and cable.", "若密码被拒，请在摄像机锁定账户前更正；否则检查电源与网线。")},
	"camera-trouble": {Severity: checkup.Warning, What: words("Camera %[1]s streams, but its pictures are not looked at: %[2]s.", "摄像机 %[1]s 有视频但未被分析：%[2]s。"),
		Do: words("gridgate-edge probe says what fits this camera.", "gridgate-edge probe 会给出适合该摄像机的设置。")},

	"broker-unreached": {Severity: checkup.Wrong, What: words("The broker %[1]s cannot be reached: %[2]s.", "MQTT 服务器 %[1]s 无法连接：%[2]s。"),
		Do: words("See that it runs and that its address in mqtt.sources is right.", "请确认其在运行，且 mqtt.sources 中地址正确。")},
	"broker-state": {Severity: checkup.Wrong, What: words("The edge is not connected to the broker %[1]s (%[2]s).", "本程序未连接 MQTT 服务器 %[1]s（%[2]s）。"),
		Do: words("See that it runs, its address, and the account in mqtt.sources.", "请确认其在运行，并核对 mqtt.sources 中的地址与账户。")},
	"sensor-offline": {Severity: checkup.Warning, What: words("Sensor %[1]s is not heard of.", "传感器 %[1]s 没有消息。"),
		Do: words("See its battery and its gateway; gridgate-edge sniff shows what the broker brings.", "请检查其电池与网关；gridgate-edge sniff 可查看服务器收到的消息。")},

	"memory-small": {Severity: checkup.Warning, What: words("This machine has %[1]s of memory; %[2]d cameras need some %[3]s.", "本机内存 %[1]s；%[2]d 台摄像机约需 %[3]s。"),
		Do: words("Take fewer cameras on this machine, or one with more memory.", "请减少本机摄像机数量，或更换内存更大的机器。")},
	"memory-low": {Severity: checkup.Warning, What: words("Only %[1]s of memory are free.", "可用内存仅 %[1]s。"),
		Do: words("See which program takes it (top), and shorten the rings of the cameras.", "请用 top 查看占用者，并缩短摄像机缓存（ring）。")},
	"files-few": {Severity: checkup.Warning, What: words("%[1]d files may be open at once; this configuration may need %[2]d.", "最多可同时打开 %[1]d 个文件；此配置可能需要 %[2]d 个。"),
		Do: words("Raise LimitNOFILE in the unit of gridgate-edge.", "请提高 gridgate-edge 服务的 LimitNOFILE。")},

	"wanted-refused": {Severity: checkup.Warning, What: words("The configuration that central wants was refused: %[1]s.", "中心下发的配置被拒绝：%[1]s。"),
		Do: words("The console shows each problem; what was in force still is.", "控制台列出了每个问题；原有配置仍有效。")},
	"wanted-back": {Severity: checkup.Warning, What: words("The configuration that central wanted was taken back: %[1]s.", "中心下发的配置已回退：%[1]s。"),
		Do: words("Correct it at the centre; the one before is in force.", "请在中心更正；目前使用之前的配置。")},
	"release-failed": {Severity: checkup.Warning, What: words("Build %[1]s was not kept (%[2]s): %[3]s.", "版本 %[1]s 未被采用（%[2]s）：%[3]s。"),
		Do: words("The build before runs. Sign and send another.", "目前运行之前的版本。请签名并下发另一版本。")},
})
