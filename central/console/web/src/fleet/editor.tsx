/** What is written for all edges, for a group or for one edge: judged, compared and kept, and brought to edges by a rollout. */
import { useState } from 'preact/hooks';
import { ApiError, type Fault } from '../api';
import { useWords } from '../i18n';
import { errorText } from '../problem';
import { layersOf, preview, push, start, textOf, type Layer, type Preview } from './api';
import { usePolled } from './page';

/** The line that a fault of a text is about; 0 if none. */
export const lineOf = (fault: Fault): number => Number(/^body\.text:(\d+)$/.exec(fault.location ?? '')?.[1] ?? 0);

interface Draft {
  layer: string;
  text: string;
  why: string;
  seen: number;
}

export function Editor({ onBegun }: { onBegun: () => void }) {
  const words = useWords();
  const layers = usePolled<Layer[]>(layersOf, []);
  const [draft, setDraft] = useState<Draft>({ layer: 'all', text: '', why: '', seen: 0 });
  const [waves, setWaves] = useState('1, 10%, 100%');
  const [shown, setShown] = useState<Preview | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [said, setSaid] = useState('');
  const change = (part: Partial<Draft>) => setDraft((d) => ({ ...d, ...part }));
  const run = (f: () => Promise<void>) => {
    setError(null);
    setSaid('');
    setShown(null);
    f().catch(setError);
  };
  const open = (layer: string) => run(async () => {
    const l = await textOf(layer);
    setDraft({ layer, text: l.text ?? '', why: '', seen: l.version });
  });
  const keep = () => run(async () => {
    const l = await push(draft.layer, draft.text, draft.why, draft.seen);
    change({ seen: l.version });
    setSaid(words.t('fleet.kept', { layer: l.layer, n: l.version }));
    layers.again();
  });
  const begin = () => run(async () => {
    await start(draft.layer, draft.why, waves.split(',').map((w) => w.trim()).filter((w) => w !== ''));
    onBegun();
  });
  return (
    <div class="card block fleet-editor">
      <h2>{words.t('fleet.write')}</h2>
      <p class="muted">{words.t('fleet.hint')}</p>
      <div class="fleet-bar">{(layers.value ?? []).map((l) => (
        <button key={l.layer} type="button" class="button button-quiet" title={l.why} onClick={() => open(l.layer)}>{l.layer} {l.version}</button>
      ))}</div>
      <label>{words.t('fleet.layer')} <input data-testid="fleet-layer" value={draft.layer} maxLength={80} onInput={(e) => change({ layer: e.currentTarget.value, seen: 0 })} /></label>
      <label>{words.t('fleet.text')}<textarea data-testid="fleet-text" rows={14} spellcheck={false} value={draft.text} onInput={(e) => change({ text: e.currentTarget.value })} /></label>
      <label>{words.t('fleet.why')} <input data-testid="fleet-why" value={draft.why} maxLength={200} onInput={(e) => change({ why: e.currentTarget.value })} /></label>
      <label>{words.t('fleet.waves')} <input data-testid="fleet-waves" value={waves} maxLength={80} onInput={(e) => setWaves(e.currentTarget.value)} /></label>
      <div class="fleet-bar">
        <button type="button" class="button" data-testid="fleet-preview" onClick={() => run(async () => setShown(await preview(draft.layer, draft.text)))}>{words.t('fleet.preview')}</button>
        <button type="button" class="button" data-testid="fleet-keep" disabled={draft.why.trim() === ''} onClick={keep}>{words.t('fleet.keep')}</button>
        <button type="button" class="button button-primary" data-testid="fleet-begin" disabled={draft.why.trim() === '' || draft.seen === 0} onClick={begin}>{words.t('fleet.begin')}</button>
      </div>
      <div role="status">{said}</div>
      {error !== null && <Faults error={error} text={draft.text} />}
      {shown && <Diff of={shown} />}
    </div>
  );
}

function Faults({ error, text }: { error: unknown; text: string }) {
  const words = useWords();
  const faults = error instanceof ApiError ? error.faults : [];
  const lines = text.split('\n');
  return (
    <div role="alert" class="fleet-faults" data-testid="fleet-faults">
      <p>{errorText(words, error)}</p>
      {error instanceof ApiError && faults.length === 0 && <p class="muted">{error.detail}</p>}
      <ul>{faults.map((f, i) => (
        <li key={i}>{lineOf(f) > 0 && <><b>{words.t('fleet.line', { n: lineOf(f) })}</b> <code>{lines[lineOf(f) - 1]?.trim()}</code> </>}{f.message}</li>
      ))}</ul>
    </div>
  );
}

function Diff({ of: p }: { of: Preview }) {
  const words = useWords();
  return (
    <div data-testid="fleet-diff">
      <p>{words.t('fleet.changes', { n: p.count })}{p.edge && ` ${words.t('fleet.example', { edge: p.edge })}`}</p>
      <pre class="fleet-diff" tabIndex={0}>{p.diff.map((l, i) => <div key={i} class={l.startsWith('+') ? 'fleet-plus' : l.startsWith('-') ? 'fleet-minus' : ''}>{l}</div>)}</pre>
    </div>
  );
}
