// Package forward is step 6 of the pipeline: it brings what the outbox holds to central, and tells central how the edge is.
//
// In: entries of the outbox, a snapshot of the edge's own state, and what central asked to see ([Forwarder.PutLook], [Client.PutTrial]).
// Out: HTTP requests as package ingest describes them, what central wants in the answer to a sync that it may hold, and receipts back
// into the outbox, which alone removes entries. Life-safety alerts go strictly first, over requests of
// their own; normal and bulk alerts take turns; readings and evidence go beside them, evidence within a budget. In each lane live
// alerts and backlog share four to one, and a batch is as large as central answers for in good time. It never alters an event, never
// drops one without a receipt, never follows a redirect, and sends nothing in the clear beyond the loopback interface.
package forward
