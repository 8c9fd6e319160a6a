/** When each of the ten steps had an alert, from the camera to the screen; read when it is unfolded. */
import { useEffect, useState } from 'preact/hooks';
import { skew } from '../format';
import { useWords, type Args } from '../i18n';
import { Failure, Loading } from '../ui/bits';
import { SAID, traceOf, type Said, type Step, type Trace } from './api';

export function TracePanel({ alert }: { alert: string }) {
  const words = useWords();
  const [open, setOpen] = useState(false);
  return (
    <details class="trace" data-testid="trace" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{words.t('trace.title')}</summary>
      {open && <Steps key={alert} alert={alert} />}
    </details>
  );
}

function Steps({ alert }: { alert: string }) {
  const words = useWords();
  const [trace, setTrace] = useState<Trace | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setError(null);
    traceOf(alert, abort.signal).then((t) => abort.signal.aborted || setTrace(t), (err: unknown) => abort.signal.aborted || setError(err));
    return () => abort.abort();
  }, [alert, round]);
  if (!trace) return error ? <Failure error={error} retry={() => setRound((n) => n + 1)} /> : <Loading />;
  return (
    <>
      <p>
        {words.word('traceOutcome', trace.outcome)}
        {trace.totalMs !== undefined && <> {words.t('trace.total', { span: lasting(trace.totalMs) })}</>}
        {trace.uncertaintyMs > 0 && <span class="muted"> {words.t('alert.uncertainty', { ms: trace.uncertaintyMs })}</span>}
      </p>
      <p class="muted small"><Sentence code={trace.whyCode} args={trace.whyArgs} english={trace.why} /></p>
      <ol class="plain trace-steps" data-testid="trace-steps">{trace.steps.map((s) => <Row key={s.n} step={s} />)}</ol>
      {trace.skewMs !== undefined && <p class="muted small">{words.t('trace.skew', { skew: skew(trace.skewMs) })}</p>}
    </>
  );
}

const isSaid = (code?: string): code is Said => (SAID as readonly string[]).includes(code ?? '');

/** What central says, in the reader's words; in central's own where a newer one says what is not known here. */
function Sentence({ code, args, english }: { code?: string; args?: Args; english?: string }) {
  const words = useWords();
  return isSaid(code) ? <>{words.t(`traceSaid.${code}`, args)}</> : english ? <span lang="en">{english}</span> : <>{words.t('trace.unknown')}</>;
}

function Row({ step: s }: { step: Step }) {
  const words = useWords();
  return (
    <li>
      <span><b class="number">{s.n}</b> {words.word('traceStep', s.name)}</span>
      {s.at
        ? <span class="trace-at"><time dateTime={s.at} title={s.at}>{precise(words.lang, s.at)}</time>{s.afterMs !== undefined && <span class="muted"> {lasting(s.afterMs, '+')}</span>}</span>
        : <span class="muted small trace-at"><Sentence code={s.noteCode} args={s.noteArgs} english={s.note} /></span>}
      {s.at && <span class="muted small trace-known">{words.word('traceClock', s.clock ?? '')}{s.known && ` · ${words.word('traceKnown', s.known)}`}</span>}
    </li>
  );
}

/** The time of day to the millisecond, by this machine's zone. */
const precise = (lang: string, at: string): string =>
  new Date(at).toLocaleTimeString(lang === 'en' ? 'en-GB' : lang, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' });

/** A length of time, to the millisecond below ten seconds. */
export function lasting(ms: number, sign = ''): string {
  const plus = ms < 0 ? '−' : sign;
  const abs = Math.abs(ms);
  return abs < 10_000 ? `${plus}${Math.round(abs)} ms` : `${plus}${(abs / 1000).toFixed(1)} s`;
}
