/**
 * A small chart of values over time. The library behind it is fetched when the first chart is shown; until then the place is kept.
 *
 *   <Chart label="水位 level-river-01, m" lines={[{ label: 'level-river-01', points: [[ms, 2.1], [ms, null]] }]} from={ms} to={ms} mark={ms} />
 *
 * Times are milliseconds since the epoch; a null value is a gap. The label is what a screen reader says instead: name what is drawn and,
 * if it matters, its last or extreme value; a table beside it says the rest. Colours are the tokens --accent, --major, --ok, ... by
 * the order of the lines, see chart-key-0 to chart-key-5 in styles/chart.css for a legend of one's own.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useWords } from '../i18n';

export interface Line {
  label: string;
  points: readonly (readonly [at: number, value: number | null])[];
}

interface ChartProps {
  label: string;
  lines: readonly Line[];
  from: number;
  to: number;
  /** A dashed vertical line at a moment, in milliseconds. */
  mark?: number;
  /** CSS pixels; 140 where it is left out. */
  height?: number;
  /** How the axis writes a value. Keep it the same function between drawings. */
  value?: (v: number) => string;
}

export function Chart({ label, lines, from, to, mark, height = 140, value }: ChartProps) {
  const { lang } = useWords();
  const into = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let stop: (() => void) | undefined;
    let gone = false;
    import('./plot').then(
      ({ plot }) => {
        if (!gone && into.current) stop = plot(into.current, { lines, from, to, mark, lang, value }, height);
      },
      () => gone || setFailed(true),
    );
    return () => {
      gone = true;
      stop?.();
    };
  }, [lines, from, to, mark, height, lang, value]);
  return <div class={failed ? 'chart chart-failed' : 'chart'} ref={into} role="img" aria-label={label} data-testid="chart" data-height={height} />;
}
