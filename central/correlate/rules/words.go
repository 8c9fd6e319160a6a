package rules

import (
	"fmt"
	"strings"
	"time"

	"gridgate/central/cases"
)

// words builds a sentence that begins with the rule's name.
func words(r *rule, zh, en string) cases.Words {
	return cases.Words{ZH: fmt.Sprintf("规则“%s”：%s", r.Name.ZH, zh), EN: fmt.Sprintf("Rule %q: %s", r.Name.EN, en)}
}

var fieldWords = map[Field]cases.Words{
	ByGrid: {ZH: "网格", EN: "grid"}, ByCommunity: {ZH: "社区", EN: "community"}, ByEdge: {ZH: "边缘节点", EN: "edge"},
	ByDevice: {ZH: "设备", EN: "device"}, ByZone: {ZH: "区域", EN: "zone"}, ByKind: {ZH: "告警种类", EN: "kind"},
	ByClass: {ZH: "事件类别", EN: "class"}, ByMainClass: {ZH: "事件大类", EN: "main class"},
}

// same says in what cases agree, in words.
func same(fields []Field) (zh, en string) {
	zhs, ens := make([]string, len(fields)), make([]string, len(fields))
	for i, f := range fields {
		zhs[i], ens[i] = "同"+fieldWords[f].ZH, "the same "+fieldWords[f].EN
	}
	return strings.Join(zhs, "、"), strings.Join(ens, ", ")
}

// spanZH is a length of time as it is said.
func spanZH(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d小时", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d分钟", d/time.Minute)
	}
	return fmt.Sprintf("%d秒", d/time.Second)
}

func spanEN(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

func groupWords(r *rule, child, parent cases.Case) cases.Words {
	zh, en := same(r.Same)
	if child.Grid != parent.Grid && r.Near {
		zh, en = zh+fmt.Sprintf("（网格%s与%s相邻）", child.Grid, parent.Grid), en+fmt.Sprintf(" (grid %s is next to %s)", child.Grid, parent.Grid)
	}
	return words(r, zh+"，"+spanZH(r.Span)+"内，并入最先的案件", en+", within "+spanEN(r.Span)+", so it is part of the first case")
}

func confirmWords(r *rule, set []*member) cases.Words {
	kinds := make([]string, len(set))
	for i, m := range set {
		kinds[i] = fmt.Sprintf("%s (%s)", m.c.Kind, m.c.Grid)
	}
	zh, en := same(r.Same)
	return words(r, zh+"，"+spanZH(r.Span)+"内相互印证："+strings.Join(kinds, "、"), en+", within "+spanEN(r.Span)+", each confirms the others: "+strings.Join(kinds, ", "))
}

func liftWords(r *rule, child cases.Case) cases.Words {
	return words(r, fmt.Sprintf("并入的案件更严重（%s）", child.Severity), fmt.Sprintf("a graver case became part of this one (%s)", child.Severity))
}

func inhibitWords(r *rule, cause cases.Case) cases.Words {
	zh, en := same(r.Same)
	return words(r, fmt.Sprintf("由该案件引起（%s，%s），%s，%s内", cause.Kind, cause.Source, zh, spanZH(r.Span)),
		fmt.Sprintf("it follows from that case (%s, %s), %s, within %s", cause.Kind, cause.Source, en, spanEN(r.Span)))
}

func flappingWords(r *rule, n int) cases.Words {
	return words(r, fmt.Sprintf("同一告警键在%s内出现%d次", spanZH(r.Span), n), fmt.Sprintf("the same key came %d times within %s", n, spanEN(r.Span)))
}

func stormWords(r *rule, head cases.Case) cases.Words {
	zh, en := same(r.Same)
	return words(r, fmt.Sprintf("%s（%s）%s内超过%d件案件，并为一件", zh, head.Grid, spanZH(r.Span), r.Times),
		fmt.Sprintf("more than %d cases of %s (%s) within %s are one", r.Times, en, head.Grid, spanEN(r.Span)))
}

func waterWords(r *rule, river River, up, down cases.Case) cases.Words {
	return words(r, fmt.Sprintf("%s：网格%s在网格%s的上游，%s内", river.Name.ZH, up.Grid, down.Grid, spanZH(r.Span)),
		fmt.Sprintf("%s: grid %s is upstream of grid %s, within %s", river.Name.EN, up.Grid, down.Grid, spanEN(r.Span)))
}

func silenceWords(s Silence) cases.Words {
	until := s.Until.UTC().Format("2006-01-02 15:04 UTC")
	if s.Sort == Maintenance {
		return cases.Words{ZH: fmt.Sprintf("检修期间不通知（至%s）：%s", until, s.Reason), EN: fmt.Sprintf("Nobody is told during maintenance (until %s): %s", until, s.Reason)}
	}
	return cases.Words{ZH: fmt.Sprintf("静默，不通知（至%s）：%s", until, s.Reason), EN: fmt.Sprintf("Silenced, nobody is told (until %s): %s", until, s.Reason)}
}
