package wecom

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/notify"
	"gridgate/central/notify/post"
)

func TestSend(t *testing.T) {
	for name, tc := range map[string]struct {
		code   int
		urgent bool
		want   *notify.Trouble
	}{
		"taken":          {code: 0},
		"urgent":         {code: 0, urgent: true},
		"too many":       {code: 45009, want: &notify.Trouble{Slow: true, After: time.Minute}},
		"too long":       {code: 40058, want: &notify.Trouble{Permanent: true}},
		"no such robot":  {code: 93000, want: &notify.Trouble{}},
		"its own fault":  {code: -1, want: &notify.Trouble{}},
		"what is 999999": {code: 999999, want: &notify.Trouble{}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var b body
				if err := json.NewDecoder(r.Body).Decode(&b); err != nil || r.URL.Query().Get("key") != "k&1" || b.Type != "text" || b.Text.Content != "派遣\n地点" {
					t.Errorf("%s %+v %v", r.URL, b, err)
				}
				if slices.Equal(b.Text.Mentioned, []string{"@all"}) != tc.urgent {
					t.Errorf("it calls on %v", b.Text.Mentioned)
				}
				fmt.Fprintf(w, `{"errcode":%d,"errmsg":"hint: [1] from ip: 10.0.0.1"}`, tc.code)
			}))
			defer server.Close()
			c, err := New(Options{Client: post.New(nil, nil), URL: server.URL, Key: "k&1"})
			if err != nil {
				t.Fatal(err)
			}
			err = c.Send(t.Context(), notify.Message{Subject: "派遣", Text: "地点", Urgent: tc.urgent})
			var got *notify.Trouble
			if errors.As(err, &got) != (tc.want != nil) {
				t.Fatalf("error is %v", err)
			}
			if tc.want != nil && (got.Slow != tc.want.Slow || got.After != tc.want.After || got.Permanent != tc.want.Permanent || strings.Contains(got.Said, "hint")) {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}

// TestLongestTextFits: a text has at most 2048 bytes.
func TestLongestTextFits(t *testing.T) {
	if notify.MaxSubject+1+notify.MaxText > 2048 {
		t.Error("subject and text do not fit")
	}
}
