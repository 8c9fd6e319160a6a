/** Who asked to see which sealed clip, and why; another person's approval; and the clip, for the two of them. */
import { useContext, useState } from 'preact/hooks';
import { Dialog } from '../cases/dialog';
import { usePolled } from '../devices/poll';
import { span } from '../format';
import { useWords } from '../i18n';
import { navigate } from '../router';
import { Empty, Failure, GridCode, Loading, Time, useTicking, useTitle, useToday } from '../ui/bits';
import { SessionContext } from '../ui/session';
import { caseOf, decide, mayDecide, mayView, unsealingsOf, type Unsealing } from './api';
import { Refusal, useAct } from './ask';
import { View } from './view';

const EVERY = 5000;

export function UnsealPage() {
  const words = useWords();
  useTitle(words.t('unseal.title'));
  const { value: list, error, reload } = usePolled('unsealings', EVERY, unsealingsOf);
  return (
    <section class="page unseal" aria-labelledby="unseal-title" data-testid="unseal-page">
      <div class="page-head"><h1 id="unseal-title">{words.t('unseal.title')}</h1></div>
      <p class="muted">{words.t('unseal.how')}</p>
      {!list && (error ? <Failure error={error} retry={reload} /> : <Loading />)}
      {list?.length === 0 && <Empty title={words.t('unseal.none')} hint={words.t('unseal.noneHint')} />}
      {list?.map((r) => <Row key={r.id} request={r} onChange={reload} />)}
    </section>
  );
}

function Row({ request: r, onChange }: { request: Unsealing; onChange: () => void }) {
  const words = useWords();
  const session = useContext(SessionContext);
  const today = useToday();
  const toCase = useAct(() => {});
  const look = () => toCase.run(async () => {
    const id = await caseOf(r.alert);
    if (id !== '') navigate(`/cases/${id}`);
  });
  return (
    <article class="card block" data-testid="unseal-row" data-state={r.state} aria-label={words.word('unsealReason', r.reason)}>
      <h2><span>{words.word('unsealReason', r.reason)} <span class={`chip unseal-${r.state}`}>{words.word('unsealState', r.state)}</span></span><Left request={r} /></h2>
      <p class="unseal-text">{r.text}</p>
      <p class="muted small">
        {words.t('unseal.by', { by: r.by })}{r.unit ? ` (${r.unit})` : ''} · <Time at={r.at} today={today} /> · <GridCode code={r.grid} />
        {r.approver && r.decidedAt && <> · {words.t(r.state === 'refused' ? 'unseal.refusedBy' : 'unseal.approvedBy', { by: r.approver })} <Time at={r.decidedAt} today={today} /></>}
      </p>
      {r.state === 'asked' && r.by === session.user && <p class="muted small">{words.t('unseal.other')}</p>}
      <div class="unseal-bar">
        {mayDecide(session, r) && <Decide request={r} onChange={onChange} />}
        {mayView(session, r) && <View request={r} />}
        <button type="button" class="button button-quiet" disabled={toCase.busy} onClick={look}>{words.t('unseal.case')}</button>
      </div>
      <Refusal error={toCase.error} />
    </article>
  );
}

/** How long is left to decide, or to see it. */
function Left({ request: r }: { request: Unsealing }) {
  const words = useWords();
  const end = r.state === 'asked' ? r.until : r.state === 'approved' ? r.viewUntil : undefined;
  const text = useTicking(() => (end ? words.t(r.state === 'asked' ? 'unseal.leftDecide' : 'unseal.leftView', { left: span(words, Date.parse(end) - Date.now()) }) : ''), 1000);
  return <span class="muted small" data-testid="unseal-left">{text}</span>;
}

function Decide({ request: r, onChange }: { request: Unsealing; onChange: () => void }) {
  const words = useWords();
  const [what, setWhat] = useState<'approve' | 'refuse' | null>(null);
  const { busy, error, run } = useAct(() => {
    setWhat(null);
    onChange();
  });
  return (
    <>
      <button type="button" class="button button-primary" data-testid="unseal-approve" onClick={() => setWhat('approve')}>{words.t('unseal.approve')}</button>
      <button type="button" class="button" data-testid="unseal-refuse" onClick={() => setWhat('refuse')}>{words.t('unseal.refuse')}</button>
      {what && (
        <Dialog title={words.t(`unseal.${what}`)} submit={words.t(`unseal.${what}`)} busy={busy} ready error={null} onCancel={() => setWhat(null)} onSubmit={() => run(() => decide(r.id, what))}>
          <p>{words.t(what === 'approve' ? 'unseal.approveText' : 'unseal.refuseText', { by: r.by })}</p>
          <p class="unseal-text">{r.text}</p>
          <Refusal error={error} />
        </Dialog>
      )}
    </>
  );
}
