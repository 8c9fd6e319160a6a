package post

import (
	"encoding/json"
	"fmt"
	"time"

	"gridgate/central/notify"
)

// Codes says what the errcode of a group robot means for us. What stands in neither list is tried again: it may be mended by hand.
type Codes struct {
	Slow      map[int]time.Duration // too many messages: how long to be silent
	Permanent map[int]bool          // this message will never be taken
}

// Robot reads the answer of a group robot: 200 and {"errcode": 0} is the only yes.
func (c Codes) Robot(body []byte) error {
	var answer struct {
		Code *int `json:"errcode"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Code == nil {
		return &notify.Trouble{Said: "the robot's answer has no errcode"}
	}
	if *answer.Code == 0 {
		return nil
	}
	pause, slow := c.Slow[*answer.Code]
	return &notify.Trouble{Said: fmt.Sprintf("the robot answered errcode %d", *answer.Code), Slow: slow, After: pause, Permanent: c.Permanent[*answer.Code]}
}
