package sip

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"gridgate/protocols/gb28181"
)

// cancelling is how long an INVITE that nobody wants any more is followed, so that nothing is left at the device.
const cancelling = 32 * time.Second

// dialog implements [Dialog].
type dialog struct {
	server  *Server
	device  *device
	channel string
	call    string
	invite  *sip.Request
	agreed  *sip.Response
	remote  netip.Addr

	done chan struct{} // closed when it is over
	left chan struct{} // closed when an INVITE that came to nothing has left nothing at the device

	mu   sync.Mutex
	held bool // the device agreed before it was over: whoever ends it tells the device
	over bool
}

// Answer implements [Dialog].
func (d *dialog) Answer() []byte { return d.agreed.Body() }

// RemoteAddr implements [Dialog].
func (d *dialog) RemoteAddr() string { return d.remote.String() }

// Done implements [Dialog].
func (d *dialog) Done() <-chan struct{} { return d.done }

// end closes the dialog here. It reports whether it was open, and whether the device holds it.
func (d *dialog) end() (was, held bool) {
	d.mu.Lock()
	was, held, d.over = !d.over, d.held, true
	d.mu.Unlock()
	if was {
		close(d.done)
		d.server.mu.Lock()
		delete(d.server.dialogs, d.call)
		d.server.mu.Unlock()
	}
	return was, held
}

// Bye implements [Dialog].
func (d *dialog) Bye(ctx context.Context) error {
	if was, _ := d.end(); !was {
		return nil
	}
	return d.hangUp(ctx)
}

// quit ends the dialog, or the INVITE that is under way.
func (d *dialog) quit(ctx context.Context) {
	was, held := d.end()
	switch {
	case was && held:
		_ = d.hangUp(ctx)
	case !held:
		select {
		case <-d.left:
		case <-ctx.Done():
		}
	}
}

// hangUp tells the device that the session is over.
func (d *dialog) hangUp(ctx context.Context) error {
	req, err := d.within(sip.BYE, d.invite.CSeq().SeqNo+1)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, d.server.o.Patience)
	defer cancel()
	if _, err := d.server.do(ctx, req); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// within makes a request of the dialog (RFC 3261, 12.2.1.1), sent to where the device's packets come from.
func (d *dialog) within(method sip.RequestMethod, sequence uint32) (*sip.Request, error) {
	req, err := d.server.request(d.device, method, d.channel)
	if err != nil {
		return nil, err
	}
	if c := d.agreed.Contact(); c != nil && c.Address.Host != "" {
		req.Recipient = *c.Address.Clone()
	}
	req.ReplaceHeader(sip.HeaderClone(d.invite.From()))
	req.ReplaceHeader(sip.HeaderClone(d.agreed.To()))
	req.ReplaceHeader(sip.HeaderClone(d.invite.CallID()))
	req.CSeq().SeqNo = sequence
	route := d.agreed.GetHeaders("Record-Route")
	for i := range route {
		req.AppendHeader(sip.NewHeader("Route", route[len(route)-1-i].Value()))
	}
	return req, nil
}

// Invite implements [Inviter].
func (s *Server) Invite(ctx context.Context, r InviteRequest) (Dialog, error) {
	d := s.devices[r.Device]
	if d == nil || gb28181.ID(r.Channel) == "" {
		return nil, ErrUnknown
	}
	req, err := s.request(d, sip.INVITE, r.Channel)
	if err != nil {
		return nil, err
	}
	req.AppendHeader(sip.NewHeader("Subject", r.Channel+":"+r.SSRC+","+s.o.ID+":0"))
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(r.Offer)
	open := &dialog{server: s, device: d, channel: r.Channel, call: req.CallID().Value(), invite: req, done: make(chan struct{}), left: make(chan struct{})}
	if from, err := netip.ParseAddrPort(req.Destination()); err == nil {
		open.remote = from.Addr()
	}
	if err := s.open(open); err != nil {
		return nil, err
	}
	ctx, leave, ok := s.enter(ctx)
	if !ok {
		open.end()
		return nil, ErrOffline
	}
	defer leave()
	if err := open.establish(ctx); err != nil {
		open.end()
		return nil, err
	}
	return open, nil
}

// open makes room for a dialog.
func (s *Server) open(d *dialog) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || len(s.dialogs) >= maxDialogs {
		return ErrBusy
	}
	s.dialogs[d.call] = d
	return nil
}

// establish sends the INVITE and acknowledges the answer.
func (d *dialog) establish(ctx context.Context) error {
	tx, err := d.server.client.TransactionRequest(ctx, d.invite)
	if err != nil {
		close(d.left)
		return fmt.Errorf("invite: %w", ErrTimeout)
	}
	provisional := false
	for {
		select {
		case res := <-tx.Responses():
			switch {
			case res.IsProvisional():
				provisional = true
			case res.IsSuccess():
				err := d.accept(tx, res)
				if err != nil {
					d.server.spawn(func(ctx context.Context) { defer close(d.left); _ = d.hangUp(ctx) })
				}
				return err
			default:
				close(d.left)
				return fmt.Errorf("invite: %w: %d", ErrRefused, res.StatusCode)
			}
		case <-tx.Done():
			close(d.left)
			return fmt.Errorf("invite: %w", ErrTimeout)
		case <-d.done: // the device is gone, or we are
			d.abandon(tx, provisional)
			return fmt.Errorf("invite: %w", ErrOffline)
		case <-ctx.Done():
			d.end()
			d.abandon(tx, provisional)
			return fmt.Errorf("invite: %w", ctx.Err())
		}
	}
}

// accept acknowledges, as often as the device asks for it. An answer without a description of media is none, and one to what is over
// comes too late: after an error the caller hangs up.
func (d *dialog) accept(tx sip.ClientTransaction, res *sip.Response) error {
	d.mu.Lock()
	over := d.over
	d.agreed, d.held = res, !over && len(res.Body()) > 0
	held := d.held
	d.mu.Unlock()
	acknowledge := func(*sip.Response) {
		if ack, err := d.within(sip.ACK, d.invite.CSeq().SeqNo); err == nil {
			ack.SetBody(nil)
			_ = d.server.client.WriteRequest(ack) // lost, the device repeats its answer
		}
	}
	tx.OnRetransmission(acknowledge)
	acknowledge(res)
	switch {
	case held:
		return nil
	case over:
		return fmt.Errorf("invite: %w", ErrOffline)
	}
	return fmt.Errorf("invite: %w", ErrProtocol)
}

// abandon cancels an INVITE that is under way (RFC 3261, 9.1), and ends the session if the device agreed all the same.
func (d *dialog) abandon(tx sip.ClientTransaction, provisional bool) {
	d.server.spawn(func(ctx context.Context) {
		defer tx.Terminate()
		defer close(d.left)
		ctx, cancel := context.WithTimeout(ctx, cancelling)
		defer cancel()
		if provisional {
			d.cancel(ctx)
		}
		for {
			select {
			case res := <-tx.Responses():
				switch {
				case res.IsProvisional() && !provisional:
					provisional = true
					d.cancel(ctx)
				case res.IsSuccess():
					_ = d.accept(tx, res) // only to acknowledge it
					_ = d.hangUp(ctx)
					return
				case !res.IsProvisional():
					return
				}
			case <-tx.Done():
				return
			case <-ctx.Done():
				return
			}
		}
	})
}

func (d *dialog) cancel(ctx context.Context) {
	req := sip.NewRequest(sip.CANCEL, *d.invite.Recipient.Clone())
	for _, name := range []string{"Via", "From", "To", "Call-ID"} {
		sip.CopyHeaders(name, d.invite, req)
	}
	forwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: d.invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	req.AppendHeader(&forwards)
	req.SetTransport(d.invite.Transport())
	req.SetDestination(d.invite.Destination())
	req.Laddr = d.invite.Laddr
	ctx, cancel := context.WithTimeout(ctx, d.server.o.Patience)
	defer cancel()
	_, _ = d.server.do(ctx, req)
}

// endDialogs ends dialogs that the device has ended, or that ended with it, and returns how many those were, and which of them it holds.
func (s *Server) endDialogs(which func(*dialog) bool) (ended int, held []*dialog) {
	var open []*dialog
	s.mu.Lock()
	for _, d := range s.dialogs {
		if which(d) {
			open = append(open, d)
		}
	}
	s.mu.Unlock()
	for _, d := range open {
		if was, holds := d.end(); was && holds {
			held = append(held, d)
		}
	}
	return len(open), held
}

// onBye takes the end of a session.
func (s *Server) onBye(req *sip.Request, tx sip.ServerTransaction) {
	call, from := req.CallID().Value(), source(req).Addr()
	if ended, _ := s.endDialogs(func(d *dialog) bool { return d.call == call && d.remote == from }); ended > 0 {
		answer(req, tx, 200, "OK")
		return
	}
	answer(req, tx, 481, "Call/Transaction Does Not Exist")
}
