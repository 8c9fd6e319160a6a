package open311

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridgate/central/cases"
	"gridgate/central/intake"
	"gridgate/protocols/alert"
)

// report is POST Service Request. The fields that are read are service_code, lat, long, address_id (a grid code), description
// and the file media; all others are passed over unread.
func (h *Handler) report(r *http.Request) (answer, error) {
	if wait := h.limits.take(r, h.o.Now()); wait > 0 {
		return answer{}, &trouble{status: http.StatusTooManyRequests, description: "too many reports came from here; try again later", wait: wait}
	}
	f, err := readForm(r)
	if err != nil {
		return answer{}, err
	}
	in, err := f.report(h.o.Now().UTC())
	if err != nil {
		return answer{}, err
	}
	if !h.reportable(in.Class) {
		return answer{}, refuse(http.StatusNotFound, "service_code: there is no such service")
	}
	c, err := h.o.Desk.Open(r.Context(), in)
	if err != nil {
		return answer{}, err
	}
	notice := "已受理。查看进展和评价：" + h.link(c.ID) + " Taken. Follow and rate it there."
	if len(f.photo) > 0 && !h.keepPhoto(r, c, f.photo) {
		notice += " 照片未能处理，未保存。The photo could not be redacted and was not kept."
	}
	created := createdWire{ID: c.ID, Notice: notice}
	return answer{status: http.StatusCreated, list: []createdWire{created}, root: requestsWire{Items: []any{created}}}, nil
}

// keepPhoto redacts and keeps a photo, and says whether it did: a report without its photo is worth taking.
func (h *Handler) keepPhoto(r *http.Request, c cases.Case, photo []byte) bool {
	select {
	case h.photos <- struct{}{}:
	case <-r.Context().Done():
		return false
	}
	defer func() { <-h.photos }()
	if err := h.o.Desk.Photo(r.Context(), c, photo); err != nil {
		h.o.Logger.Warn("a resident's photo was not kept", "case", c.ID, "error", err)
		return false
	}
	return true
}

func (h *Handler) reportable(code string) bool {
	_, ok := h.service(code)
	return ok
}

// form is what is read of a report.
type form struct {
	values url.Values
	photo  []byte
}

// readable are the fields that are read.
var readable = []string{"service_code", "lat", "long", "address_id", "description"}

// readForm reads either encoding into memory, never to a disk: a photo is not redacted yet.
func readForm(r *http.Request) (form, error) {
	typ, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && typ == "application/x-www-form-urlencoded":
		return readURLForm(r.Body, readable)
	case err == nil && typ == "multipart/form-data" && params["boundary"] != "":
		return readParts(multipart.NewReader(r.Body, params["boundary"]))
	}
	return form{}, refuse(http.StatusUnsupportedMediaType, "send application/x-www-form-urlencoded or multipart/form-data")
}

// readURLForm reads those fields that are named.
func readURLForm(body io.Reader, names []string) (form, error) {
	b, err := io.ReadAll(io.LimitReader(body, maxFields+1))
	if err != nil || len(b) > maxFields {
		return form{}, refuse(http.StatusRequestEntityTooLarge, "the form is too large")
	}
	all, err := url.ParseQuery(string(b))
	if err != nil {
		return form{}, refuse(http.StatusBadRequest, "the form cannot be read")
	}
	f := form{values: url.Values{}}
	for _, name := range names {
		f.values.Set(name, all.Get(name))
	}
	return f, nil
}

func readParts(parts *multipart.Reader) (form, error) {
	f := form{values: url.Values{}}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil || n >= 64 {
			return form{}, refuse(http.StatusBadRequest, "the form cannot be read, or has more than 64 parts")
		}
		if err := f.take(part); err != nil {
			return form{}, err
		}
	}
}

// take reads one part if it is one that is read.
func (f *form) take(part *multipart.Part) error {
	name, most := part.FormName(), int64(maxFields)
	switch {
	case name == "media":
		most = MaxPhoto
	case !slices.Contains(readable, name):
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(part, most+1))
	if err != nil || int64(len(b)) > most {
		return refuse(http.StatusRequestEntityTooLarge, name+": too large; a photo may have 8 MiB")
	}
	if name == "media" {
		f.photo = b
		return nil
	}
	f.values.Set(name, string(b))
	return nil
}

// report makes a report of the form.
func (f form) report(now time.Time) (intake.Report, error) {
	r := intake.Report{
		ID: alert.NewID(), Origin: cases.ByResident, Class: f.values.Get("service_code"), Grid: f.values.Get("address_id"),
		Note: strings.ToValidUTF8(f.values.Get("description"), ""), At: now,
	}
	if r.Class == "" {
		return r, refuse(http.StatusBadRequest, "service_code is missing")
	}
	lat, long := f.values.Get("lat"), f.values.Get("long")
	if lat == "" && long == "" {
		if r.Grid == "" {
			return r, refuse(http.StatusBadRequest, "lat and long, or address_id (a grid code), are demanded; address_string is not read")
		}
		return r, nil
	}
	y, err1 := strconv.ParseFloat(lat, 64)
	x, err2 := strconv.ParseFloat(long, 64)
	if err1 != nil || err2 != nil {
		return r, refuse(http.StatusBadRequest, "lat or long is not a number of degrees (WGS 84)")
	}
	r.Place = &cases.LonLat{Lon: x, Lat: y}
	return r, nil
}
