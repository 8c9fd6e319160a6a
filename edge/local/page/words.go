package page

import (
	"net/http"
	"strings"

	"golang.org/x/text/language"

	"gridgate/edge/local"
)

const languageCookie = "gridgate-edge-language"

var (
	tags    = []language.Tag{language.SimplifiedChinese, language.English}
	matcher = language.NewMatcher(tags)
)

// languageOf is what the switch says, else what the browser prefers, else Chinese.
func languageOf(r *http.Request) local.Language {
	chosen := r.URL.Query().Get("lang")
	if c, err := r.Cookie(languageCookie); chosen == "" && err == nil {
		chosen = c.Value
	}
	switch chosen {
	case string(local.Chinese), string(local.English):
		return local.Language(chosen)
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return local.Chinese
	}
	_, i, _ := matcher.Match(wanted...)
	return local.Languages[i]
}

// spoken is [languageOf], and keeps what was switched.
func spoken(w http.ResponseWriter, r *http.Request) local.Language {
	l := languageOf(r)
	if r.URL.Query().Has("lang") {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: string(l), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
	}
	return l
}

// words are the texts of the page in a language.
func words(l local.Language) map[string]string {
	if l == local.English {
		return english
	}
	return chinese
}

// stateWord is what a device's state is called.
func stateWord(l local.Language, state string) string {
	if word := words(l)["state."+state]; word != "" {
		return word
	}
	return strings.ReplaceAll(state, "-", " ")
}

var chinese = map[string]string{
	"title": "边缘状态", "about": "只看发生了什么、在哪里，从不识别是谁。", "other": "English", "logout": "退出",
	"login.title": "登录状态页", "login.password": "密码", "login.submit": "登录",
	"login.wrong": "密码不正确", "login.wait": "尝试太多，请 %d 秒后再试",
	"login.missing": "此设备没有设置状态页密码。请运行 gridgate-edge password，并在配置 local.page.password 中写明存放位置。",
	"central":       "与中心的连接", "connected": "已连接", "away": "未连接", "since": "自", "last": "最近应答",
	"outbox": "待发", "outbox.empty": "全部已送达", "outbox.oldest": "最早", "outbox.shed": "已舍弃", "outbox.readings": "读数", "outbox.evidence": "图片和视频",
	"outbox.dead": "被中心拒绝", "outbox.unknown": "无法读取",
	"voice": "本地消息", "voice.off": "未配置", "voice.published": "已发布", "voice.dropped": "已丢弃",
	"sirens": "警报器", "sirens.none": "未配置警报器", "siren.sounding": "正在鸣响", "siren.until": "至", "siren.quiet": "安静", "siren.silenced": "已静音，直到下一次新情况",
	"siren.unsent": "指令尚未送出", "siren.deaf": "没有设备在听", "siren.dropped": "过期未鸣响", "silence": "静音", "silence.all": "全部静音",
	"alerts": "最近告警", "alerts.none": "暂无告警", "alert.raised": "发生", "alert.cleared": "解除", "alert.momentary": "一次", "alert.exercise": "演练",
	"cameras": "摄像头", "sensors": "传感器", "devices.none": "未配置", "devices.more": "另有 %d 个未显示", "good": "%d / %d 正常", "brokers": "传感器消息服务器",
	"version": "版本", "config": "配置", "started": "启动于", "refreshed": "每 10 秒刷新",
	"mode.walk-test": "步行测试", "mode.disarmed": "撤防",
	"state.connecting": "连接中", "state.streaming": "正常", "state.auth-failed": "密码被拒", "state.unreachable": "连不上", "state.no-keyframe": "无关键帧",
	"state.stalled": "画面停滞", "state.unsupported": "不支持", "state.online": "在线", "state.offline": "离线", "state.unknown": "尚无消息", "state.connected": "已连接",
	"wanted": "中心下发", "wanted.configuration": "配置", "wanted.release": "程序版本", "wanted.fetching": "等待取得", "wanted.trying": "试运行中",
	"wanted.in-force": "已生效", "wanted.refused": "不接受", "wanted.rolled-back": "已退回",
	"ago.now": "刚刚", "ago.seconds": "%d 秒前", "ago.minutes": "%d 分钟前", "ago.hours": "%d 小时前", "ago.days": "%d 天前",
}

var english = map[string]string{
	"title": "Edge status", "about": "Sees that something happens and where, never who.", "other": "中文", "logout": "Sign out",
	"login.title": "Sign in to the status page", "login.password": "Password", "login.submit": "Sign in",
	"login.wrong": "The password is not right", "login.wait": "Too many tries. Try again in %d s",
	"login.missing": "This edge has no password for its status page. Run gridgate-edge password, and name where it is kept in local.page.password.",
	"central":       "Link to central", "connected": "Connected", "away": "Not connected", "since": "since", "last": "last answer",
	"outbox": "Waiting to be sent", "outbox.empty": "All delivered", "outbox.oldest": "oldest", "outbox.shed": "shed", "outbox.readings": "readings", "outbox.evidence": "pictures and clips",
	"outbox.dead": "refused by central", "outbox.unknown": "Cannot be read",
	"voice": "Local messages", "voice.off": "Not configured", "voice.published": "published", "voice.dropped": "dropped",
	"sirens": "Sirens", "sirens.none": "No siren is configured", "siren.sounding": "Sounding", "siren.until": "until", "siren.quiet": "Quiet", "siren.silenced": "Silenced until the next new situation",
	"siren.unsent": "The command is not sent yet", "siren.deaf": "No device listens", "siren.dropped": "too late to sound", "silence": "Silence", "silence.all": "Silence all",
	"alerts": "Recent alerts", "alerts.none": "No alerts yet", "alert.raised": "raised", "alert.cleared": "cleared", "alert.momentary": "once", "alert.exercise": "drill",
	"cameras": "Cameras", "sensors": "Sensors", "devices.none": "None configured", "devices.more": "%d more are not shown", "good": "%d of %d well", "brokers": "Brokers of sensors",
	"version": "Version", "config": "configuration", "started": "started", "refreshed": "refreshed every 10 s",
	"mode.walk-test": "walk-test", "mode.disarmed": "disarmed",
	"state.connecting": "connecting", "state.streaming": "well", "state.auth-failed": "password refused", "state.unreachable": "unreachable", "state.no-keyframe": "no keyframe",
	"state.stalled": "stalled", "state.unsupported": "unsupported", "state.online": "online", "state.offline": "offline", "state.unknown": "not heard yet", "state.connected": "connected",
	"wanted": "What central wants", "wanted.configuration": "Configuration", "wanted.release": "Release", "wanted.fetching": "not here yet", "wanted.trying": "on trial",
	"wanted.in-force": "in force", "wanted.refused": "refused", "wanted.rolled-back": "gone back from",
	"ago.now": "just now", "ago.seconds": "%d s ago", "ago.minutes": "%d min ago", "ago.hours": "%d h ago", "ago.days": "%d d ago",
}
