// Package impact writes a data-protection impact sheet (PIPL art. 55 and 56, GDPR art. 35) from what is actually configured and registered.
//
// In: facts of the configuration and tallies of the register. Out: Markdown in Chinese or English, with marks where a person must write. It never
// judges: whether the risk is acceptable is for the unit that is responsible. It holds no account's name and nothing about who was seen.
package impact

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Purpose is how many cameras serve one purpose of one unit on one basis.
type Purpose struct {
	Owner, Purpose, Basis                                       string
	Cameras, Pictures, Clips, Presence, Masked, Signed, Refused int
}

// Facts are what is in force.
type Facts struct {
	Profile    string // cn, eu or empty
	Purposes   []Purpose
	Pictures   string // how long each is kept, as in 720h, or ever
	Clips      string
	Cases      string
	Audit      string
	Readings   string
	Cameras    int      // with a time of their own
	Recipients []string // kinds and names of channels, and of other systems
	Accounts   map[string]int
	TLS        bool
	SignOn     bool
	KeyHere    bool // the secret key of clips is at central
	Residents  bool
}

// text is a phrase in both languages.
type text struct{ zh, en string }

// Write writes the sheet in a language: zh or en.
func Write(w io.Writer, f Facts, lang string) error {
	s := &sheet{zh: lang == "zh"}
	s.title()
	s.purposes(f)
	s.never()
	s.kept(f)
	s.access(f)
	s.risks(f)
	_, err := io.WriteString(w, s.b.String())
	return err
}

type sheet struct {
	b  strings.Builder
	zh bool
}

func (s *sheet) say(t text) string {
	if s.zh {
		return t.zh
	}
	return t.en
}

func (s *sheet) head(t text)                { fmt.Fprintf(&s.b, "\n## %s\n\n", s.say(t)) }
func (s *sheet) item(t text, values ...any) { fmt.Fprintf(&s.b, "- "+s.say(t)+"\n", values...) }

// open marks what a person must write.
func (s *sheet) open(t text) { s.item(text{"【待填写】" + t.zh, "**[TO BE WRITTEN]** " + t.en}) }

func (s *sheet) title() {
	fmt.Fprintf(&s.b, "# %s\n\n%s\n", s.say(text{"个人信息保护影响评估表", "Data-protection impact sheet"}),
		s.say(text{"依据《个人信息保护法》第五十五、五十六条；内容取自现行配置与摄像机登记册。", "By GDPR art. 35 and PIPL art. 55 and 56; made from the configuration in force and the register of cameras."}))
}

func (s *sheet) purposes(f Facts) {
	s.head(text{"一、处理目的、依据与必要性", "1. Purposes, bases and necessity"})
	if len(f.Purposes) == 0 {
		s.item(text{"登记册中没有摄像机。", "There is no camera in the register."})
	}
	for _, p := range f.Purposes {
		s.item(text{
			"%s：%s（依据：%s）。摄像机 %d 台，其中留存脱敏图片 %d 台、密封录像 %d 台、有人出现计数 %d 台、设遮挡区 %d 台、设提示标识 %d 台、被拒绝登记 %d 台。",
			"%s: %s (basis: %s). %d cameras, of which %d with redacted pictures, %d with sealed clips, %d count presence, %d have masks, %d have a sign, %d are refused.",
		}, p.Owner, p.Purpose, p.Basis, p.Cameras, p.Pictures, p.Clips, p.Presence, p.Masked, p.Signed, p.Refused)
	}
	s.open(text{"为何没有影响更小的办法可以达到同一目的", "why no means that intrude less would do"})
}

func (s *sheet) never() {
	s.head(text{"二、从不处理的内容及其证明", "2. What is never processed, and the tests that prove it"})
	s.item(text{"不识别人、车牌，不建人员库：没有能写下身份的字段（TestNoTypeCanHoldAPerson）。", "No recognition of persons or plates, no register of persons: no field can hold one (TestNoTypeCanHoldAPerson)."})
	s.item(text{"登记册没有写人的位置（TestARegisterHasNoRoomForAnybody）；禁装场所一律拒绝（TestForbiddenPlacesAreRefused）。", "The register has no room for anybody (TestARegisterHasNoRoomForAnybody); forbidden places are refused (TestForbiddenPlacesAreRefused)."})
	s.item(text{"未脱敏画面只能由两人申请并批准后查看密封录像（TestNobodyOpensAlone、TestNoTraceNoClip）。", "What is not redacted is seen in a sealed clip alone, opened by two people (TestNobodyOpensAlone, TestNoTraceNoClip)."})
}

func (s *sheet) kept(f Facts) {
	s.head(text{"三、保存期限", "3. How long is kept"})
	s.item(text{"配置类型：%s", "profile: %s"}, orNone(f.Profile))
	s.item(text{"脱敏图片 %s，密封录像 %s，已结案卷与告警 %s，审计日志 %s，读数 %s；单独设定期限的摄像机 %d 台。",
		"redacted pictures %s, sealed clips %s, closed cases and alerts %s, audit log %s, readings %s; %d cameras have a time of their own."},
		f.Pictures, f.Clips, f.Cases, f.Audit, f.Readings, f.Cameras)
	s.item(text{"未结、在办或被保全的案卷的证据保留到其结束；每次删除记入审计日志，SQLite 存储的文件中不留残余（TestWhatIsDeletedIsGone）。",
		"What an open or held case has is kept until that ends; each deletion is in the audit log, and nothing of it stays in the files of an SQLite store (TestWhatIsDeletedIsGone)."})
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (s *sheet) access(f Facts) {
	s.head(text{"四、接收方、权限与安全措施", "4. Recipients, access and security measures"})
	if len(f.Recipients) == 0 {
		s.item(text{"没有对外接收方。", "There are no recipients outside."})
	}
	for _, r := range f.Recipients {
		s.item(text{"接收方：%s", "recipient: %s"}, r)
	}
	roles := make([]string, 0, len(f.Accounts))
	for role, n := range f.Accounts {
		roles = append(roles, fmt.Sprintf("%s %d", role, n))
	}
	slices.Sort(roles)
	s.item(text{"账号数（按角色）：%s", "accounts by role: %s"}, orNone(strings.Join(roles, ", ")))
	s.item(text{"传输加密（TLS）：%s；单点登录：%s；录像密钥存于中心：%s；居民上报：%s", "TLS: %s; single sign-on: %s; key of clips at central: %s; reports by residents: %s"},
		s.yes(f.TLS), s.yes(f.SignOn), s.yes(f.KeyHere), s.yes(f.Residents))
}

func (s *sheet) yes(b bool) string {
	if b {
		return s.say(text{"是", "yes"})
	}
	return s.say(text{"否", "no"})
}

func (s *sheet) risks(f Facts) {
	s.head(text{"五、风险与对策", "5. Risks and remedies"})
	if !f.TLS {
		s.item(text{"风险：中心本身未启用 TLS。对策：只监听本机并由代理加密，或设置证书。", "Risk: central itself has no TLS. Remedy: listen on loopback behind a proxy that has, or set a certificate."})
	}
	if f.KeyHere {
		s.item(text{"风险：录像密钥在中心，取得主机者可解封。对策：密钥离线保管。", "Risk: the key of clips is at central, so whoever takes the machine opens them. Remedy: keep it off line."})
	}
	for _, p := range f.Purposes {
		if p.Signed < p.Cameras {
			s.item(text{"风险：%s 有 %d 台摄像机未登记提示标识。对策：设置标识并写入盒子配置。", "Risk: %s has %d cameras without a sign. Remedy: put signs up and write so in the edge's file."}, p.Owner, p.Cameras-p.Signed)
		}
	}
	s.open(text{"对个人权益的影响与剩余风险的判断", "what it means for people's rights, and whether the risk that is left is acceptable"})
	s.open(text{"负责人意见、日期", "opinion of the one responsible, and the date"})
}
