/** What the sensors of a case's grid read around it, a small chart for each. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { amount } from '../format';
import { useWords, type Words } from '../i18n';
import type { Case } from '../types';
import { Chart } from '../ui/chart';
import { desk, type NearReadings, type Series } from './api';

/** As many as central tells (central/api, nearSeries). */
const MOST = 24;

export function Readings({ case: c }: { case: Case }) {
  const words = useWords();
  const [near, setNear] = useState<NearReadings | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    desk.readings(c.id, abort.signal).then(setNear, () => undefined); // the case is shown without them
    return () => abort.abort();
  }, [c.id, c.lastAt]);
  if (!near) return null;
  return (
    <section class="card block" aria-labelledby="readings-title" data-testid="case-readings">
      <h2 id="readings-title">
        {words.t('desk.readings')}
        {near.items.length > 0 && <span class="muted small">{near.items.length >= MOST ? words.t('desk.readings.cut', { n: MOST }) : words.t('desk.readings.hint')}</span>}
      </h2>
      {near.items.length === 0 && <p class="muted">{words.t('desk.readings.none')}</p>}
      <ul class="plain readings">
        {near.items.map((s) => <li key={Object.values(s.labels).join(' ')}><Reading series={s} near={near} opened={c.openedAt} /></li>)}
      </ul>
    </section>
  );
}

function wordsFor(words: Words, s: Series) {
  const { device = '', quantity = '', unit = '1' } = s.labels;
  const put = (value: number | undefined) => amount({ quantity, value: value ?? 0, unit });
  const values = s.points.map((p) => p.value);
  const extremes = { min: put(Math.min(...values)), max: put(Math.max(...values)), last: put(values[values.length - 1]) };
  return { device, quantity: words.word('quantity', quantity), extremes };
}

function Reading({ series: s, near, opened }: { series: Series; near: NearReadings; opened: string }) {
  const words = useWords();
  const { device, quantity, extremes } = wordsFor(words, s);
  const lines = useMemo(() => [{ label: device, points: s.points.map((p) => [Date.parse(p.at), p.value] as const) }], [s]);
  return (
    <figure class="reading" data-testid="reading">
      <figcaption><strong>{quantity}</strong> <span class="name">{device}</span> <span class="muted small">{words.t('desk.readings.extremes', extremes)}</span></figcaption>
      <Chart label={words.t('desk.readings.chart', { quantity, device, ...extremes })} lines={lines} from={Date.parse(near.from)} to={Date.parse(near.to)} mark={Date.parse(opened)} height={110} />
    </figure>
  );
}
