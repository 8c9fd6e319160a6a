/** What the colours, lines, shapes and numbers of the map mean. */
import type { ComponentChildren } from 'preact';
import { useWords, type Key } from '../i18n';
import { SeverityMark, ToneMark } from '../ui/marks';
import { RANKS, STEPS, type Mode } from './model';

export function Legend({ mode, devices }: { mode: Mode; devices: boolean }) {
  const words = useWords();
  return (
    <ul class="plain map-legend" aria-label={words.t('map.legend')} data-testid="map-legend">
      {mode === 'cases' ? <Steps /> : <Stages />}
      {mode === 'cases' && [...RANKS].reverse().map((s) => <li key={s}><SeverityMark severity={s} /></li>)}
      {devices && (['ok', 'wait', 'bad'] as const).map((h) => <li key={h}><Device health={h} />{words.t(DEVICE_WORDS[h])}</li>)}
    </ul>
  );
}

function Steps() {
  const words = useWords();
  return STEPS.map((from, i) => {
    const to = STEPS[i + 1];
    const range = to === undefined ? `${from}+` : to - 1 === from ? String(from) : `${from}–${to - 1}`;
    return <li key={from}><i class={`map-swatch map-swatch-${i}`} aria-hidden="true" />{i === 0 ? words.t('map.none') : words.t('map.casesIn', { n: range })}</li>;
  });
}

function Stages(): ComponentChildren {
  const words = useWords();
  return (
    <>
      <li><i class="map-swatch map-swatch-red" aria-hidden="true" /><ToneMark tone="red" />{words.t('map.stageRed')}</li>
      <li><i class="map-swatch map-swatch-yellow" aria-hidden="true" /><ToneMark tone="yellow" />{words.t('map.stageYellow')}</li>
      <li><i class="map-swatch map-swatch-calm" aria-hidden="true" /><ToneMark tone="calm" />{words.t('map.stageCalm')}</li>
      <li><i class="map-swatch map-swatch-0" aria-hidden="true" />{words.t('map.none')}</li>
    </>
  );
}

const DEVICE_WORDS: Readonly<Record<'ok' | 'wait' | 'bad', Key>> = { ok: 'map.deviceOk', wait: 'map.deviceWait', bad: 'map.deviceBad' };
const SHAPES = { ok: 'M3.5 8.5l3 3 6-7', wait: 'M8 3v5l3.5 2', bad: 'M4 4l8 8M12 4l-8 8' } as const;

function Device({ health }: { health: keyof typeof SHAPES }) {
  return <svg class={`map-device map-device-${health}`} width="18" height="18" viewBox="0 0 16 16" aria-hidden="true"><rect x="0.7" y="0.7" width="14.6" height="14.6" rx="2" /><path d={SHAPES[health]} /></svg>;
}
