/** "Would this have fired?": asks the edge what a drawing would have raised over what it last saw, and shows it beside what was raised. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { clock, span } from '../format';
import { askTrial, trialOf, type TrialResult } from '../devices/api';
import { useWords } from '../i18n';
import { errorText } from '../problem';
import type { Drawing } from './draft';
import { barsOf, TRIAL_SPANS, zonesOf, type Bar } from './trial';

/** Asks and waits for the answer of the edge, as long as central does. */
async function tried(edge: string, camera: string, lastSec: number, drawing: Drawing, signal: AbortSignal): Promise<TrialResult | null> {
  const trial = await askTrial(edge, camera, lastSec, drawing);
  while (!signal.aborted && Date.now() < Date.parse(trial.until)) {
    const { result } = await trialOf(trial.id, signal);
    if (result) return result;
  }
  return null;
}

export function TrialPanel({ edge, camera, drawing, ready }: { edge: string; camera: string; drawing: Drawing; ready: boolean }) {
  const words = useWords();
  const [lastSec, setLastSec] = useState(900);
  const [state, setState] = useState<{ busy: boolean; result: TrialResult | null; error: unknown; silent: boolean; of: Drawing | null }>({ busy: false, result: null, error: null, silent: false, of: null });
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);
  const ask = () => {
    abort.current?.abort();
    const mine = new AbortController();
    abort.current = mine;
    setState({ busy: true, result: null, error: null, silent: false, of: drawing });
    tried(edge, camera, lastSec, drawing, mine.signal).then(
      (result) => mine.signal.aborted || setState({ busy: false, result, error: null, silent: result === null, of: drawing }),
      (error: unknown) => mine.signal.aborted || setState({ busy: false, result: null, error, silent: false, of: drawing }),
    );
  };
  return (
    <section class="card block trial" aria-labelledby="trial-title">
      <h2 id="trial-title">{words.t('cameras.trial.title')}</h2>
      <div class="trial-ask">
        <label class="filter">
          {words.t('cameras.trial.last')}
          <select class="input" data-testid="trial-span" value={String(lastSec)} onChange={(e) => setLastSec(Number(e.currentTarget.value))}>
            {TRIAL_SPANS.map((s) => <option key={s} value={String(s)}>{span(words, s * 1000)}</option>)}
          </select>
        </label>
        <button type="button" class="button" data-testid="trial-ask" disabled={state.busy || !ready} onClick={ask}>{words.t(state.busy ? 'cameras.trial.busy' : 'cameras.trial.ask')}</button>
      </div>
      <div role="status" data-testid="trial-said">
        {state.silent && <p class="form-error">{words.t('cameras.trial.silent')}</p>}
        {state.error !== null && <p class="form-error">{errorText(words, state.error)}</p>}
        {state.result && <TrialAnswer result={state.result} changed={state.of !== drawing} />}
      </div>
    </section>
  );
}

function TrialAnswer({ result: r, changed }: { result: TrialResult; changed: boolean }) {
  const words = useWords();
  if (r.why) return <p class="muted">{words.t('cameras.trial.why', { why: r.why })}</p>;
  const would = r.would ?? [];
  const did = r.did ?? [];
  return (
    <>
      <p>{words.t('cameras.trial.said', { would: would.length, did: did.length, samples: r.samples })}</p>
      {changed && <p class="muted small">{words.t('cameras.trial.changed')}</p>}
      <Timeline result={r} />
      {would.length + did.length > 0 && (
        <details>
          <summary>{words.t('cameras.trial.list')}</summary>
          <ul class="trial-list">
            {would.map((e, i) => <li key={`w${i}`}>{words.t('cameras.trial.would')}: {e.zone} {words.word('kind', e.kind)} {clock(words.lang, new Date(e.from))} – {clock(words.lang, new Date(e.to))}</li>)}
            {did.map((e, i) => <li key={`d${i}`}>{words.t('cameras.trial.did')}: {e.zone} {words.word('kind', e.kind)} {clock(words.lang, new Date(e.from))} – {clock(words.lang, new Date(e.to))}</li>)}
          </ul>
        </details>
      )}
    </>
  );
}

const WIDTH = 1000;

/** Two lines for each zone: hollow bars for what would have been raised, full ones for what was. */
function Timeline({ result: r }: { result: TrialResult }) {
  const words = useWords();
  const rows = (zone: string) => [
    ['would', barsOf(r, (r.would ?? []).filter((e) => e.zone === zone))] as const, ['did', barsOf(r, (r.did ?? []).filter((e) => e.zone === zone))] as const,
  ];
  return (
    <div class="timeline" data-testid="trial-timeline">
      {zonesOf(r).map((zone) => (
        <div key={zone} class="timeline-zone">
          <span class="timeline-name">{zone}</span>
          {rows(zone).map(([what, bars]) => (
            <div key={what} class="timeline-row">
              <span class="muted small">{words.t(what === 'would' ? 'cameras.trial.would' : 'cameras.trial.did')}</span>
              <Bars what={what} bars={bars} />
            </div>
          ))}
        </div>
      ))}
      <div class="timeline-ends muted small"><span>{clock(words.lang, new Date(r.from))}</span><span>{clock(words.lang, new Date(r.to))}</span></div>
    </div>
  );
}

function Bars({ what, bars }: { what: 'would' | 'did'; bars: readonly Bar[] }) {
  return (
    <svg class={`timeline-bars timeline-${what}`} viewBox={`0 0 ${WIDTH} 16`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <path class="timeline-base" d={`M0 8H${WIDTH}`} />
      {bars.map((b, i) => <rect key={i} x={b.x * WIDTH} y="2" width={b.width * WIDTH} height="12" />)}
    </svg>
  );
}
